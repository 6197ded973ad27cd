"""The routes of the Open Inference Protocol; its errors are `{"error": "..."}`, not problems."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from pilothouse.serving.auth import require
from services.inference.errors import UnknownModelError
from services.inference.oip import model_metadata
from services.inference.routes import catalog_of

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol v2"])
_predict = Depends(require("predict"))


@router.get("", summary="Server metadata")
async def server(request: Request) -> dict[str, Any]:
    return {"name": "pilothouse", "version": request.app.version, "extensions": []}


@router.get("/health/live", summary="Server live")
async def live() -> dict[str, bool]:
    return {"live": True}


@router.get("/health/ready", summary="Server ready")
async def ready(request: Request) -> Response:
    ready = not request.app.state.readiness.reasons()
    return JSONResponse({"ready": ready}, 200 if ready else 503)


@router.get("/models/{name}", dependencies=[_predict], summary="Model metadata")
@router.get("/models/{name}/versions/{version}", dependencies=[_predict], summary="Metadata of a version")
async def model(request: Request, name: str, version: str | None = None) -> Response:
    try:
        manifest = catalog_of(request).find(name, version).manifest
    except UnknownModelError as error:
        return JSONResponse({"error": str(error)}, 404)
    return JSONResponse(model_metadata(manifest, catalog_of(request).versions(name)))


@router.get("/models/{name}/ready", dependencies=[_predict], summary="Model ready")
@router.get("/models/{name}/versions/{version}/ready", dependencies=[_predict], summary="Version ready")
async def model_ready(request: Request, name: str, version: str | None = None) -> Response:
    try:
        catalog_of(request).find(name, version)
    except UnknownModelError as error:
        return JSONResponse({"error": str(error)}, 404)
    return JSONResponse({"name": name, "ready": True})
