"""Drift runs, alerts, dead letters and counts: what the page shows besides records."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from pilothouse.serving.auth import require
from pilothouse.wire.alerts import AlertPage
from pilothouse.wire.models import Stats
from pilothouse.wire.records import DeadLetterPage
from pilothouse.wire.runs import DriftRunPage, PerformanceRunPage
from services.collector.alerts import Status
from services.collector.parts import Parts
from services.collector.routes.json_body import answer, body_schema, read_object
from services.collector.routes.times import Moment
from services.collector.runs import Runs

_PageOfRuns = type[DriftRunPage[dict[str, Any]]] | type[PerformanceRunPage[dict[str, Any]]]
_READ, _INGEST = [Depends(require("read"))], [Depends(require("ingest"))]
_Limit = Annotated[int, Query(ge=1, le=1000)]
_Before = Annotated[int | None, Query(ge=1, le=2**62, description="`next` of an earlier answer")]
_Short = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]

_WINDOW = {"from": "2026-11-21T07:00:00Z", "to": "2026-11-21T08:00:00Z", "rows": 1000}
_RUN: dict[str, Any] = {"model": "house-prices", "version": "1", "at": "2026-11-21T08:00:00Z", "window": _WINDOW}
_DRIFT_RUN = {**_RUN, "verdict": "drift", "drift_share": 0.4, "columns": []}
_PERFORMANCE_RUN = {**_RUN, "verdict": "below floor", "metric": "mae", "measured": {"status": "measured"}}


def watching_router(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1")
    _add_runs(router, _DRIFT_RUN, parts, parts.drift_runs, DriftRunPage)
    _add_runs(router, _PERFORMANCE_RUN, parts, parts.performance_runs, PerformanceRunPage)
    _add_alerts(router, parts)

    @router.get(
        "/dead-letters", tags=["records"], dependencies=_READ, summary="Records that were refused, newest first"
    )
    async def dead_letters(
        model: _Short = None, version: _Short = None, code: _Short = None, cursor: _Before = None, limit: _Limit = 100
    ) -> Response:
        letters, following = await parts.dead_letters.find(model, version, code, cursor, limit)
        return answer(DeadLetterPage(letters, following))

    @router.get("/stats", tags=["models"], dependencies=_READ, summary="Counts and time spans by model version")
    async def stats(model: _Short = None) -> Response:
        return answer(Stats(await parts.stats.read(model)))

    return router


def _add_runs(router: APIRouter, example: dict[str, Any], parts: Parts, runs: Runs, page: _PageOfRuns) -> None:
    kind = "drift" if page is DriftRunPage else "performance"

    @router.post(
        f"/{kind}-runs",
        tags=["drift"],
        dependencies=_INGEST,
        summary=f"Keep what a {kind} run found; sent twice, it is stored once",
        openapi_extra=body_schema("application/json", example=example),
    )
    async def store(request: Request) -> Response:
        stored = await runs.store(await read_object(request, parts.limits))
        return answer({"stored": stored}, 201 if stored else 200)

    @router.get(f"/{kind}-runs", tags=["drift"], dependencies=_READ, summary=f"{kind.title()} runs, the newest first")
    async def find(
        *,
        model: _Short = None,
        version: _Short = None,
        start: Annotated[Moment | None, Query(alias="from")] = None,
        end: Annotated[Moment | None, Query(alias="to")] = None,
        cursor: _Before = None,
        limit: _Limit = 100,
    ) -> Response:
        found, following = await runs.find(
            model=model, version=version, start=start, end=end, before=cursor, limit=limit
        )
        return answer(page(found, following))


def _add_alerts(router: APIRouter, parts: Parts) -> None:
    @router.post(
        "/alerts",
        tags=["alerts"],
        dependencies=_INGEST,
        summary="The webhook of Grafana or Alertmanager",
        openapi_extra=body_schema("application/json"),
    )
    async def store(request: Request) -> Response:
        return answer({"stored": await parts.alerts.store(await read_object(request, parts.limits))})

    @router.get("/alerts", tags=["alerts"], dependencies=_READ, summary="Alerts, the newest first")
    async def find(
        status: Status | None = None,
        model: _Short = None,
        cursor: _Before = None,
        limit: _Limit = 100,
    ) -> Response:
        alerts, following = await parts.alerts.find(status, model, cursor, limit)
        return answer(AlertPage(alerts, following))
