"""Runs, alerts, leases, dead letters and counts: what other services report and the page shows."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from pilothouse.wire.alerts import AlertPage
from pilothouse.wire.models import Stats
from pilothouse.wire.records import DeadLetterPage
from pilothouse.wire.runs import DriftRunPage, PerformanceRunPage
from services.collector.components import Components, Limits
from services.collector.routes.bodies import answer, body_schema, read_object
from services.collector.routes.parameters import INGEST, READ, Cursor, Limit, Moment, ShortText
from services.collector.watching.alerts import Status
from services.collector.watching.runs import RunStore

_PageOfRuns = type[DriftRunPage[dict[str, Any]]] | type[PerformanceRunPage[dict[str, Any]]]

_WINDOW = {"from": "2026-11-21T07:00:00Z", "to": "2026-11-21T08:00:00Z", "rows": 1000}
_RUN: dict[str, Any] = {"model": "house-prices", "version": "1", "at": "2026-11-21T08:00:00Z", "window": _WINDOW}
_DRIFT_RUN = {**_RUN, "verdict": "drift", "drift_share": 0.4, "columns": []}
_PERFORMANCE_RUN = {**_RUN, "verdict": "below floor", "metric": "mae", "measured": {"status": "measured"}}

_LEASE = {"holder": "drift-0", "seconds": 30}


def watching_router(components: Components) -> APIRouter:
    router = APIRouter(prefix="/v1")
    _add_runs(router, _DRIFT_RUN, components.limits, components.drift_runs, DriftRunPage)
    _add_runs(router, _PERFORMANCE_RUN, components.limits, components.performance_runs, PerformanceRunPage)
    _add_alerts(router, components)

    @router.put(
        "/leases/{name}",
        tags=["leases"],
        dependencies=INGEST,
        summary="Take a lease, keep it, or give it up with 0 seconds; the answer says whose it is",
        openapi_extra=body_schema("application/json", example=_LEASE),
    )
    async def take(name: str, request: Request) -> Response:
        return answer(await components.leases.take(name, await read_object(request, components.limits)))

    @router.get("/dead-letters", tags=["records"], dependencies=READ, summary="Records that were refused, newest first")
    async def dead_letters(
        model: ShortText = None,
        version: ShortText = None,
        code: ShortText = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        letters, following = await components.dead_letters.find(model, version, code, cursor, limit)
        return answer(DeadLetterPage(letters, following))

    @router.get("/stats", tags=["models"], dependencies=READ, summary="Counts and time spans by model version")
    async def stats(model: ShortText = None) -> Response:
        return answer(Stats(await components.stats.read(model)))

    return router


def _add_runs(router: APIRouter, example: dict[str, Any], limits: Limits, runs: RunStore, page: _PageOfRuns) -> None:
    kind = "drift" if page is DriftRunPage else "performance"

    @router.post(
        f"/{kind}-runs",
        tags=["drift"],
        dependencies=INGEST,
        summary=f"Keep what a {kind} run found; sent twice, it is stored once",
        openapi_extra=body_schema("application/json", example=example),
    )
    async def store(request: Request) -> Response:
        stored = await runs.store(await read_object(request, limits))
        return answer({"stored": stored}, 201 if stored else 200)

    @router.get(f"/{kind}-runs", tags=["drift"], dependencies=READ, summary=f"{kind.title()} runs, the newest first")
    async def find(
        *,
        model: ShortText = None,
        version: ShortText = None,
        start: Annotated[Moment | None, Query(alias="from")] = None,
        end: Annotated[Moment | None, Query(alias="to")] = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        found, following = await runs.find(
            model=model, version=version, start=start, end=end, before=cursor, limit=limit
        )
        return answer(page(found, following))


def _add_alerts(router: APIRouter, components: Components) -> None:
    @router.post(
        "/alerts",
        tags=["alerts"],
        dependencies=INGEST,
        summary="The webhook of Grafana or Alertmanager",
        openapi_extra=body_schema("application/json"),
    )
    async def store(request: Request) -> Response:
        return answer({"stored": await components.alerts.store(await read_object(request, components.limits))})

    @router.get("/alerts", tags=["alerts"], dependencies=READ, summary="Alerts, the newest first")
    async def find(
        status: Status | None = None,
        model: ShortText = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        alerts, following = await components.alerts.find(status, model, cursor, limit)
        return answer(AlertPage(alerts, following))
