"""What the endpoints take from a request: the service, the model that is meant, the window that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from pilothouse.package import Package
from pilothouse.serving.auth import require
from services.drift.answering import Answering, Chosen
from services.drift.distributions import WindowPictures
from services.drift.errors import WindowError
from services.drift.monitor import DriftMonitor
from services.drift.packages import WatchedPackages
from services.drift.performance.monitor import PerformanceMonitor
from services.drift.records import Records
from services.drift.report.reports import Reports
from services.drift.schedule import Scheduler
from services.drift.window import Window, parse_window

NOT_CACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
read, ingest = Depends(require("read")), Depends(require("ingest"))


@dataclass(frozen=True, slots=True)
class DriftService:
    """What the endpoints ask; `app` puts it together. `clock` gives milliseconds since the epoch."""

    packages: WatchedPackages
    answering: Answering
    monitor: DriftMonitor
    schedule: Scheduler
    reports: Reports
    records: Records
    pictures: WindowPictures
    performance: PerformanceMonitor
    clock: Callable[[], int]


ModelName = Annotated[str | None, Query(description="name of the model; may be left out when there is only one")]
Version = Annotated[str | None, Query(description="the one that answers by default")]
Span = Annotated[str | None, Query(description="1h, 24h, 7d or rows=1000; the manifest's own by default")]
Start = Annotated[str | None, Query(alias="from", description="ISO 8601 or milliseconds, in place of `window`")]
End = Annotated[str | None, Query(alias="to", description="ISO 8601 or milliseconds, in place of `window`")]


async def drift_service(request: Request) -> DriftService:
    found: DriftService = request.app.state.drift
    return found


Service = Annotated[DriftService, Depends(drift_service)]


async def requested_version(service: Service, model: ModelName = None, version: Version = None) -> Chosen:
    return await service.answering.choose(model, version)


RequestedVersion = Annotated[Chosen, Depends(requested_version)]


async def requested_window(
    service: Service, chosen: RequestedVersion, window: Span = None, start: Start = None, end: End = None
) -> Window | None:
    """None when the caller leaves the window to the manifest."""
    if not (window or start or end):
        return None
    default = chosen.package.manifest.monitoring.window_rows
    return parse_window(window, start, end, default_rows=default, now_ms=service.clock())


RequestedWindow = Annotated[Window | None, Depends(requested_window)]


async def history_query(
    chosen: RequestedVersion,
    window: RequestedWindow,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int | None, Query(ge=1, description="`next` of an earlier answer")] = None,
) -> dict[str, str]:
    """What the collector is asked for. Raises WindowError for rows=N."""
    if window is not None and window.rows is not None:
        raise WindowError("a history has no rows=N: give `from` and `to`, or a span such as 24h")
    manifest = chosen.package.manifest
    query = {"model": manifest.name, "version": manifest.version, "limit": limit, "cursor": cursor}
    query |= {"from": window.start_ms, "to": window.end_ms} if window else {}
    return {k: str(v) for k, v in query.items() if v is not None}


HistoryQuery = Annotated[dict[str, str], Depends(history_query)]


def default_window(package: Package) -> Window:
    """The manifest's own."""
    return Window(rows=package.manifest.monitoring.window_rows)


def json_response(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), 200, NOT_CACHED, "application/json")
