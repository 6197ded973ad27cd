"""The endpoints: parse, ask the domain, shape the options."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from pilothouse.package import Package
from pilothouse.serving.auth import require
from pilothouse.wire.drift import DriftAnswer, ReportState
from services.drift.encoding import encode
from services.drift.errors import WindowError
from services.drift.page import waiting_page
from services.drift.parts import Parts
from services.drift.reports import Format, Report
from services.drift.run import Run
from services.drift.window import Window, parse_window

RETRY_SECONDS = 2
POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "font-src data:; img-src data: blob:; worker-src blob:"
)
_NOT_CACHED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

router = APIRouter(tags=["drift"])
read, ingest = Depends(require("read")), Depends(require("ingest"))

ModelName = Annotated[str | None, Query(description="name of the model; may be left out when there is only one")]
Version = Annotated[str | None, Query(description="the newest package by default")]
Span = Annotated[str | None, Query(description="1h, 24h, 7d or rows=1000; the manifest's own by default")]
Start = Annotated[str | None, Query(alias="from", description="ISO 8601 or milliseconds, in place of `window`")]
End = Annotated[str | None, Query(alias="to", description="ISO 8601 or milliseconds, in place of `window`")]


async def parts(request: Request) -> Parts:
    found: Parts = request.app.state.parts
    return found


Service = Annotated[Parts, Depends(parts)]


async def chosen(service: Service, model: ModelName = None, version: Version = None) -> Package:
    return service.catalog.find(model, version)


Chosen = Annotated[Package, Depends(chosen)]


async def asked(
    service: Service, package: Chosen, window: Span = None, start: Start = None, end: End = None
) -> Window | None:
    """None when the caller leaves the window to the manifest."""
    return _window(service, package, window, start, end) if window or start or end else None


Asked = Annotated[Window | None, Depends(asked)]


class ReportOptions(BaseModel):
    """How a report is to be answered."""

    format: Format = Field("html", description="the page, or the same as strict JSON")
    wait: float = Field(0, ge=0, le=300, description="seconds to wait for the report")


Options = Annotated[ReportOptions, Query()]


@router.get("/drift", response_model=DriftAnswer, dependencies=[read], summary="Whether a model's inputs have drifted")
async def drift(service: Service, package: Chosen, window: Asked) -> Response:
    """What was last said; when records have come since, the window is scored anew."""
    run = await service.schedule.check(package) if window is None else await _score(service, package, window)
    return _json(run.as_wire())


@router.post("/drift/run", response_model=DriftAnswer, dependencies=[ingest], summary="Score a model now")
async def run_now(service: Service, package: Chosen, window: Asked) -> Response:
    """Runs over the manifest's own window are kept: see /drift/history."""
    run = await service.schedule.run_now(package) if window is None else await _score(service, package, window)
    return _json(run.as_wire())


@router.get("/drift/history", dependencies=[read], summary="What was said before, newest first")
async def history(
    *,
    service: Service,
    package: Chosen,
    window: Asked,
    version: Version = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int | None, Query(ge=1, description="`next` of an earlier answer")] = None,
) -> Response:
    """Kept by the collector; every run is as /drift answered it, of all versions unless one is named."""
    if window is not None and window.rows is not None:
        raise WindowError("a history has no rows=N: give `from` and `to`, or a span such as 24h")
    query = {"model": package.manifest.name, "version": version, "limit": limit, "cursor": cursor}
    query |= {"from": window.start_ms, "to": window.end_ms} if window else {}
    body = await service.records.runs({k: str(v) for k, v in query.items() if v is not None})
    return Response(body, media_type="application/json", headers=_NOT_CACHED)


@router.get(
    "/drift-report",
    dependencies=[read],
    responses={202: {"model": ReportState, "description": "It is being made: ask at Location again."}},
    summary="Evidently's report of a window against the reference",
)
async def report(request: Request, service: Service, package: Chosen, window: Asked, options: Options) -> Response:
    """The page is Evidently's, with the same methods, thresholds, scores and verdict as /drift, which stand at its top.

    The first one takes some seconds. Until it is done, a browser gets a page that reloads by itself, a program 202 and
    where to look; with `wait`, the answer comes when it is done.
    """
    found = await service.reports.ask(package, window or default_window(package), request.query_params.get("window"))
    return await _report(request, service, found, options)


@router.get("/drift-report/{report_id}", dependencies=[read], summary="A report that was asked for before")
async def one_report(request: Request, service: Service, report_id: str, options: Options) -> Response:
    return await _report(request, service, service.reports.find(report_id), options)


async def _score(service: Parts, package: Package, window: Window) -> Run:
    return (await service.monitor.score(package, window)).run


async def _report(request: Request, service: Parts, found: Report, options: ReportOptions) -> Response:
    if await service.reports.wait(found, options.wait):
        return _finished(request, found, options.format)
    location = f"/drift-report/{found.id}?format={options.format}"
    headers = {**_NOT_CACHED, "Location": location}
    if "text/html" in request.headers.get("accept", ""):
        page = waiting_page(found.model, str(found.window), RETRY_SECONDS)
        headers |= {"Refresh": f"{RETRY_SECONDS}; url={location}", "Content-Security-Policy": POLICY}
        return Response(page, 202, headers, "text/html; charset=utf-8")
    state = {"id": found.id, "status": "in progress", "location": location, "retry_after_seconds": RETRY_SECONDS}
    headers["Retry-After"] = str(RETRY_SECONDS)
    return Response(msgspec.json.encode(state), 202, headers, "application/json")


def _finished(request: Request, found: Report, format: Format) -> Response:
    body, headers = encode(found.bodies[format], request.headers.get("accept-encoding"))
    headers |= _NOT_CACHED
    if format == "json":
        return Response(body, 200, headers, "application/json")
    return Response(body, 200, {**headers, "Content-Security-Policy": POLICY}, "text/html; charset=utf-8")


def default_window(package: Package) -> Window:
    """The manifest's own."""
    return Window(rows=package.manifest.monitoring.window_rows)


def _window(service: Parts, package: Package, window: str | None, start: str | None, end: str | None) -> Window:
    default = package.manifest.monitoring.window_rows
    return parse_window(window, start, end, default_rows=default, now_ms=service.clock())


def _json(body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), 200, _NOT_CACHED, "application/json")
