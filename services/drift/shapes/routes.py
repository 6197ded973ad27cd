"""What a window looks like beside the reference: two endpoints for the page."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from pilothouse.wire.distributions import Distributions, Plane
from services.drift.routes import Asked, Chosen, Service, default_window, read

router = APIRouter(tags=["drift"])

Columns = Annotated[str | None, Query(description="names with commas; the monitored columns by default")]


@router.get(
    "/drift/distributions",
    response_model=Distributions,
    dependencies=[read],
    summary="How each column is distributed, in the reference and in a window",
)
async def distributions(service: Service, package: Chosen, window: Asked, columns: Columns = None) -> Response:
    """Of at most 5,000 rows, cleaned as for the scores: what lies beyond the reference's extreme quantiles is in the
    outermost bins."""
    names = [name.strip() for name in columns.split(",") if name.strip()] if columns else None
    return _json(await service.viewer.distributions(package, window or default_window(package), names))


@router.get(
    "/drift/embedding",
    response_model=Plane,
    dependencies=[read],
    summary="The embeddings of the reference and of a window on a plane",
)
async def embedding(service: Service, package: Chosen, window: Asked) -> Response:
    """At most 500 points a side. 404 for a model without an embedding."""
    return _json(await service.viewer.embedding(package, window or default_window(package)))


def _json(body: object) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json", headers={"Cache-Control": "no-store"})
