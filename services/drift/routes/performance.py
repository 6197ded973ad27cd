"""The endpoints of performance."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from pilothouse.wire.performance import PerformanceAnswer, PerformanceRuns
from services.drift.routes.request import (
    NOT_CACHED,
    HistoryQuery,
    RequestedVersion,
    RequestedWindow,
    Service,
    default_window,
    json_response,
    read,
)

router = APIRouter(tags=["performance"])
Segment = Annotated[str | None, Query(description="a column: the metric for each of its categories or bands")]


@router.get(
    "/performance",
    response_model=PerformanceAnswer,
    dependencies=[read],
    summary="How well a model does: measured where labels have come, estimated where not",
)
async def performance(
    service: Service, chosen: RequestedVersion, window: RequestedWindow, segment: Segment = None
) -> Response:
    """Computed anew each time, of at most 5,000 records and 5,000 labelled ones. The first call after a start may wait
    some seconds until the estimator is fitted."""
    package = chosen.package
    answer = await service.performance.answer(package, window or default_window(package), segment)
    return json_response(chosen.say(answer))


@router.get(
    "/performance/history", response_model=PerformanceRuns, dependencies=[read], summary="Earlier answers, newest first"
)
async def history(service: Service, query: HistoryQuery) -> Response:
    """Kept by the collector; every run is as /performance answered it, without curves, time and segments."""
    return Response(await service.records.runs(query, "performance"), 200, NOT_CACHED, "application/json")
