"""Announcing model versions, and what is known of them."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from pilothouse.errors import Fault
from pilothouse.manifest import Manifest
from pilothouse.wire.models import AnnouncedModel, AnnouncedModels, Announcement, VersionState, VersionStates
from services.collector.components import Components
from services.collector.errors import MalformedError, SchemaMismatchError, printable
from services.collector.routes.bodies import answer, body_schema, read_body, read_object
from services.collector.routes.parameters import INGEST, READ


def models_router(components: Components) -> APIRouter:
    router = APIRouter(prefix="/v1/models", tags=["models"])

    @router.put(
        "/{name}/{version}",
        dependencies=INGEST,
        summary="Announce a model version by its manifest; idempotent, 409 when its columns differ from the known ones",
        openapi_extra=body_schema("application/json"),
    )
    async def announce(name: str, version: str, request: Request) -> Response:
        manifest = _parse(await read_body(request, components.limits.body_bytes, components.limits.decoded_bytes))
        if (manifest.name, manifest.version) != (name, version):
            fault = Fault(
                "name", "mismatch", f"the manifest is of {manifest.key}, the address of another model version"
            )
            raise SchemaMismatchError(fault)
        done = await components.models.announce(manifest)
        body = Announcement(name, version, done.table.name, done.table.digest, done.created, done.updated)
        return answer(body, 201 if done.created else 200)

    @router.get("", dependencies=READ, summary="Every announced model version, the newest announced first")
    async def models() -> Response:
        known, states = await components.models.tables(), await components.models.states()
        listed = [AnnouncedModel(t.model, t.version, t.name, t.digest, states.get(t.key, "")) for t in known]
        return answer(AnnouncedModels(listed))

    @router.put(
        "/{name}",
        status_code=204,
        dependencies=INGEST,
        summary="Say which version answers and which shadow it: the state of every version that is loaded",
        openapi_extra=body_schema("application/json", example={"states": {"1": "active", "2": "shadow"}}),
    )
    async def states(name: str, request: Request) -> None:
        await components.models.keep_states(name, _states(await read_object(request, components.limits)))

    @router.get("/{name}/{version}", dependencies=READ, summary="The manifest of an announced model version")
    async def manifest(name: str, version: str) -> Response:
        return answer((await components.models.manifest(name, version)).model_dump(mode="json"))

    return router


def _states(given: dict[str, Any]) -> dict[str, VersionState]:
    try:
        return msgspec.convert(given, VersionStates).states
    except msgspec.ValidationError as error:
        raise MalformedError(Fault("states", "type", printable(str(error), 200))) from None


def _parse(body: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(body)
    except ValidationError as error:
        faults = [
            Fault(".".join(str(p) for p in e["loc"]), str(e["type"]), printable(str(e["msg"]), 300))
            for e in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise MalformedError(*faults) from None
