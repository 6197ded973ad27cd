"""What can be asked of the inference service beside predictions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from pilothouse.serving.auth import require
from services.inference.catalog import Catalog

router = APIRouter(tags=["models"], dependencies=[Depends(require("predict"))])


def catalog_of(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.catalog
    return catalog


@router.get("/models", summary="Every package that was found: loaded, served elsewhere, or failed with its reason")
async def list_models(request: Request) -> dict[str, list[dict[str, Any]]]:
    return {"models": catalog_of(request).listing()}


@router.get("/models/{name}", summary="The manifest of the version that answers")
async def show_model(request: Request, name: str) -> dict[str, Any]:
    return catalog_of(request).package(name).manifest.model_dump(mode="json")


@router.get("/models/{name}/versions/{version}", summary="The manifest of one version")
async def show_version(request: Request, name: str, version: str) -> dict[str, Any]:
    return catalog_of(request).package(name, version).manifest.model_dump(mode="json")


@router.get("/models/{name}/versions/{version}/card", summary="The model card of one version")
@router.get("/models/{name}/card", summary="The model card, as Markdown")
async def show_card(request: Request, name: str, version: str | None = None) -> Response:
    card = catalog_of(request).package(name, version).card
    if not card.is_file():
        raise HTTPException(404, f"{name} has no model card")
    return PlainTextResponse(card.read_text(encoding="utf-8"), media_type="text/markdown; charset=utf-8")


@router.get("/models/{name}/versions/{version}/examples/{file}", summary="An example image of one version")
@router.get("/models/{name}/examples/{file}", summary="An example image of an image model")
async def show_example(request: Request, name: str, file: str, version: str | None = None) -> Response:
    package = catalog_of(request).package(name, version)
    listed = f"examples/{file}"
    if listed not in package.manifest.files:
        raise HTTPException(404, f"{name} has no example {file!r}")
    return FileResponse(package.folder / listed)


admin = APIRouter(tags=["models"], dependencies=[Depends(require("admin"))])


@admin.post("/models/{name}/versions/{version}/activate", summary="Have this version answer from now on")
async def activate(request: Request, name: str, version: str) -> dict[str, list[dict[str, Any]]]:
    catalog_of(request).activate(name, version)
    return await list_models(request)


@admin.post("/models/{name}/versions/{version}/shadow", summary="Have it predict and be logged, answering nobody")
async def shadow(request: Request, name: str, version: str) -> dict[str, list[dict[str, Any]]]:
    catalog_of(request).shadow(name, version, on=True)
    return await list_models(request)


@admin.delete("/models/{name}/versions/{version}/shadow", summary="No longer")
async def unshadow(request: Request, name: str, version: str) -> dict[str, list[dict[str, Any]]]:
    catalog_of(request).shadow(name, version, on=False)
    return await list_models(request)
