"""Drift runs, alerts, dead letters and counts: what the page shows besides records."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from pilothouse.web.auth import require
from services.collector.parts import Parts
from services.collector.routes.json_body import answer, body_schema, read_object
from services.collector.routes.times import Moment

_READ, _INGEST = [Depends(require("read"))], [Depends(require("ingest"))]
_Limit = Annotated[int, Query(ge=1, le=1000)]
_Before = Annotated[int | None, Query(ge=1, le=2**62, description="`next` of an earlier answer")]
_Short = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


def watching_router(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1")
    _add_drift_runs(router, parts)
    _add_alerts(router, parts)

    @router.get(
        "/dead-letters", tags=["records"], dependencies=_READ, summary="Records that were refused, newest first"
    )
    async def dead_letters(
        model: _Short = None, version: _Short = None, code: _Short = None, cursor: _Before = None, limit: _Limit = 100
    ) -> Response:
        letters, following = await parts.dead_letters.find(model, version, code, cursor, limit)
        return answer({"dead_letters": letters, "next": following})

    @router.get("/stats", tags=["models"], dependencies=_READ, summary="Counts and time spans by model version")
    async def stats(model: _Short = None) -> Response:
        return answer({"models": await parts.stats.read(model)})

    return router


def _add_drift_runs(router: APIRouter, parts: Parts) -> None:
    example: dict[str, Any] = {
        "model": "house-prices", "version": "1", "at": "2026-11-21T08:00:00Z", "verdict": "drift", "drift_share": 0.4,
        "window": {"from": "2026-11-21T07:00:00Z", "to": "2026-11-21T08:00:00Z", "rows": 1000}, "columns": [],
    }  # fmt: skip

    @router.post(
        "/drift-runs",
        tags=["drift"],
        dependencies=_INGEST,
        summary="Keep what a drift run found; sent twice, it is stored once",
        openapi_extra=body_schema("application/json", example=example),
    )
    async def store(request: Request) -> Response:
        stored = await parts.drift_runs.store(await read_object(request, parts.limits))
        return answer({"stored": stored}, 201 if stored else 200)

    @router.get("/drift-runs", tags=["drift"], dependencies=_READ, summary="Drift runs, the newest first")
    async def find(
        *,
        model: _Short = None,
        version: _Short = None,
        start: Annotated[Moment | None, Query(alias="from")] = None,
        end: Annotated[Moment | None, Query(alias="to")] = None,
        cursor: _Before = None,
        limit: _Limit = 100,
    ) -> Response:
        runs, following = await parts.drift_runs.find(
            model=model, version=version, start=start, end=end, before=cursor, limit=limit
        )
        return answer({"drift_runs": runs, "next": following})


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
        status: Literal["firing", "resolved"] | None = None,
        model: _Short = None,
        cursor: _Before = None,
        limit: _Limit = 100,
    ) -> Response:
        alerts, following = await parts.alerts.find(status, model, cursor, limit)
        return answer({"alerts": alerts, "next": following})
