"""The endpoints of drift: the verdict, its history, and what a window looks like beside the reference."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from pilothouse.wire.distributions import Distributions, Plane
from pilothouse.wire.drift import DriftAnswer, DriftRuns
from services.drift.routes.request import (
    NOT_CACHED,
    HistoryQuery,
    RequestedVersion,
    RequestedWindow,
    Service,
    default_window,
    ingest,
    json_response,
    read,
)

router = APIRouter(tags=["drift"])
Columns = Annotated[str | None, Query(description="names with commas; the monitored columns by default")]


@router.get("/drift", response_model=DriftAnswer, dependencies=[read], summary="Whether a model's inputs have drifted")
async def drift(service: Service, chosen: RequestedVersion, window: RequestedWindow) -> Response:
    """The newest verdict; when records have come since, the window is scored again."""
    if window is None:
        return json_response(chosen.say((await service.schedule.check(chosen.package)).answer))
    return json_response(chosen.say((await service.monitor.score(chosen.package, window)).run.answer))


@router.post("/drift/run", response_model=DriftAnswer, dependencies=[ingest], summary="Score a model now")
async def run_now(service: Service, chosen: RequestedVersion, window: RequestedWindow) -> Response:
    """Runs over the manifest's own window are kept: see /drift/history."""
    if window is None:
        return json_response(chosen.say((await service.schedule.run_now(chosen.package)).answer))
    return json_response(chosen.say((await service.monitor.score(chosen.package, window)).run.answer))


@router.get("/drift/history", response_model=DriftRuns, dependencies=[read], summary="Earlier verdicts, newest first")
async def history(service: Service, query: HistoryQuery) -> Response:
    """Kept by the collector; every run is as /drift answered it."""
    return Response(await service.records.runs(query), 200, NOT_CACHED, "application/json")


@router.get(
    "/drift/distributions",
    response_model=Distributions,
    dependencies=[read],
    summary="How each column is distributed, in the reference and in a window",
)
async def distributions(
    service: Service, chosen: RequestedVersion, window: RequestedWindow, columns: Columns = None
) -> Response:
    """Of at most 5,000 rows, cleaned as for the scores: what lies beyond the reference's extreme quantiles is in the
    outermost bins."""
    names = [name.strip() for name in columns.split(",") if name.strip()] if columns else None
    package = chosen.package
    found = await service.pictures.distributions(package, window or default_window(package), names)
    return json_response(chosen.say(found))


@router.get(
    "/drift/embedding",
    response_model=Plane,
    dependencies=[read],
    summary="The embeddings of the reference and of a window on a plane",
)
async def embedding(service: Service, chosen: RequestedVersion, window: RequestedWindow) -> Response:
    """At most 500 points a side. 404 for a model without an embedding."""
    package = chosen.package
    return json_response(chosen.say(await service.pictures.embedding(package, window or default_window(package))))
