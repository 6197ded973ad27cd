"""The endpoints of performance."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from pilothouse.wire.performance import PerformanceAnswer
from services.drift.errors import WindowError
from services.drift.routes import Asked, Chosen, Service, Version, default_window, read

router = APIRouter(tags=["performance"])
_NOT_CACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Segment = Annotated[str | None, Query(description="a column: the metric for each of its categories or bands")]


@router.get(
    "/performance",
    response_model=PerformanceAnswer,
    dependencies=[read],
    summary="How well a model does: measured where labels have come, estimated where not",
)
async def performance(service: Service, package: Chosen, window: Asked, segment: Segment = None) -> Response:
    """Computed anew each time, of at most 5,000 records and 5,000 labelled ones. The first call after a start may wait
    some seconds until the estimator is fitted."""
    said = await service.performance.answer(package, window or default_window(package), segment)
    return Response(msgspec.json.encode(said.as_wire()), 200, _NOT_CACHED, "application/json")


@router.get("/performance/history", dependencies=[read], summary="What was said before, newest first")
async def history(
    *,
    service: Service,
    package: Chosen,
    window: Asked,
    version: Version = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int | None, Query(ge=1, description="`next` of an earlier answer")] = None,
) -> Response:
    """Kept by the collector; every run is as /performance answered it, without curves, time and segments; of all
    versions unless one is named."""
    if window is not None and window.rows is not None:
        raise WindowError("a history has no rows=N: give `from` and `to`, or a span such as 24h")
    query = {"model": package.manifest.name, "version": version, "limit": limit, "cursor": cursor}
    query |= {"from": window.start_ms, "to": window.end_ms} if window else {}
    body = await service.records.runs({k: str(v) for k, v in query.items() if v is not None}, "performance")
    return Response(body, media_type="application/json", headers=_NOT_CACHED)
