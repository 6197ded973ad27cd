"""The endpoints of the report."""

from __future__ import annotations

import gzip
import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from pilothouse.wire.drift import ReportState
from services.drift.report.html import waiting_page
from services.drift.report.reports import DriftReport, Format
from services.drift.routes.request import (
    NOT_CACHED,
    DriftService,
    RequestedVersion,
    RequestedWindow,
    Service,
    default_window,
    read,
)

RETRY_SECONDS = 2
POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "font-src data:; img-src data: blob:; worker-src blob:"
)
_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|x-gzip|\*)\s*(?:;\s*q=([01](?:\.[0-9]*)?))?\s*(?:,|$)", re.IGNORECASE)

router = APIRouter(tags=["drift"])


class ReportOptions(BaseModel):
    """How a report is to be answered."""

    format: Format = Field("html", description="the page, or the same as strict JSON")
    wait: float = Field(0, ge=0, le=300, description="seconds to wait for the report")


Options = Annotated[ReportOptions, Query()]


@router.get(
    "/drift-report",
    dependencies=[read],
    responses={202: {"model": ReportState, "description": "It is being made: ask at Location again."}},
    summary="Evidently's report of a window against the reference",
)
async def report(
    request: Request, service: Service, chosen: RequestedVersion, window: RequestedWindow, options: Options
) -> Response:
    """The page is Evidently's, with the same methods, thresholds, scores and verdict as /drift, which stand at its top.

    The first one takes some seconds. Until it is done, a browser gets a page that reloads by itself, a program 202 and
    where to look; with `wait`, the answer comes when it is done.
    """
    wanted, text = window or default_window(chosen.package), request.query_params.get("window")
    found = await service.reports.ask(chosen.package, wanted, text, version_reason=chosen.reason)
    return await _respond(request, service, found, options)


@router.get("/drift-report/{report_id}", dependencies=[read], summary="A report that was asked for before")
async def one_report(request: Request, service: Service, report_id: str, options: Options) -> Response:
    return await _respond(request, service, service.reports.find(report_id), options)


async def _respond(request: Request, service: DriftService, found: DriftReport, options: ReportOptions) -> Response:
    if await service.reports.wait(found, options.wait):
        return _finished(request, found, options.format)
    location = f"/drift-report/{found.id}?format={options.format}"
    headers = {**NOT_CACHED, "Location": location}
    if "text/html" in request.headers.get("accept", ""):
        page = waiting_page(found.model, str(found.window), RETRY_SECONDS)
        headers |= {"Refresh": f"{RETRY_SECONDS}; url={location}", "Content-Security-Policy": POLICY}
        return Response(page, 202, headers, "text/html; charset=utf-8")
    state = ReportState(id=found.id, location=location, retry_after_seconds=RETRY_SECONDS)
    headers["Retry-After"] = str(RETRY_SECONDS)
    return Response(state.model_dump_json(), 202, headers, "application/json")


def _finished(request: Request, found: DriftReport, format: Format) -> Response:
    body, headers = encode(found.bodies[format], request.headers.get("accept-encoding"))
    headers |= NOT_CACHED
    if format == "json":
        return Response(body, 200, headers, "application/json")
    return Response(body, 200, {**headers, "Content-Security-Policy": POLICY}, "text/html; charset=utf-8")


def encode(compressed: bytes, accept_encoding: str | None) -> tuple[bytes, dict[str, str]]:
    """A body that is kept compressed, as the caller's Accept-Encoding can take it, and its headers."""
    accepted = _GZIP.search(accept_encoding or "")
    if accepted and float(accepted[1] or 1) > 0:
        return compressed, {"Content-Encoding": "gzip", "Vary": "Accept-Encoding, Accept"}
    return gzip.decompress(compressed), {"Vary": "Accept-Encoding, Accept"}
