"""Leases, for services of which one at a time should do something."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from pilothouse.serving.auth import require
from services.collector.parts import Parts
from services.collector.routes.json_body import answer, body_schema, read_object

_EXAMPLE = {"holder": "drift-0", "seconds": 30}


def leases_router(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1/leases", tags=["leases"])

    @router.put(
        "/{name}",
        dependencies=[Depends(require("ingest"))],
        summary="Take a lease, keep it, or give it up with 0 seconds; the answer says whose it is",
        openapi_extra=body_schema("application/json", example=_EXAMPLE),
    )
    async def take(name: str, request: Request) -> Response:
        return answer(await parts.leases.take(name, await read_object(request, parts.limits)))

    return router
