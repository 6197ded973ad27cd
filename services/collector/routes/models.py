"""Announcing model versions, and what is known of them."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from pilothouse.errors import Fault
from pilothouse.manifest import Manifest
from pilothouse.serving.auth import require
from pilothouse.wire.models import AnnouncedModel, AnnouncedModels, Announcement
from services.collector.body import read_body
from services.collector.checks import printable
from services.collector.errors import MalformedError, SchemaMismatchError
from services.collector.parts import Parts
from services.collector.routes.json_body import answer, body_schema

_READ, _INGEST = [Depends(require("read"))], [Depends(require("ingest"))]


def models_router(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1/models", tags=["models"])

    @router.put(
        "/{name}/{version}",
        dependencies=_INGEST,
        summary="Announce a model version by its manifest; idempotent, 409 when its columns differ from the known ones",
        openapi_extra=body_schema("application/json"),
    )
    async def announce(name: str, version: str, request: Request) -> Response:
        manifest = _parse(await read_body(request, parts.limits.body_bytes, parts.limits.decoded_bytes))
        if (manifest.name, manifest.version) != (name, version):
            fault = Fault(
                "name", "mismatch", f"the manifest is of {manifest.key}, the address of another model version"
            )
            raise SchemaMismatchError(fault)
        done = await parts.catalog.announce(manifest)
        body = Announcement(name, version, done.table.name, done.table.digest, done.created, done.updated)
        return answer(body, 201 if done.created else 200)

    @router.get("", dependencies=_READ, summary="Every announced model version, the newest announced first")
    async def models() -> Response:
        known = await parts.catalog.tables()
        return answer(AnnouncedModels([AnnouncedModel(t.model, t.version, t.name, t.digest) for t in known]))

    @router.get("/{name}/{version}", dependencies=_READ, summary="The manifest of an announced model version")
    async def manifest(name: str, version: str) -> Response:
        return answer((await parts.catalog.manifest(name, version)).model_dump(mode="json"))

    return router


def _parse(body: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(body)
    except ValidationError as error:
        faults = [
            Fault(".".join(str(p) for p in e["loc"]), str(e["type"]), printable(str(e["msg"]), 300))
            for e in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise MalformedError(*faults) from None
