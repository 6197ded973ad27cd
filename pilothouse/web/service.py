"""The frame of a service: a FastAPI app with health, metrics, problems, traces and keys already in place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Response
from fastapi_offline import FastAPIOffline
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.responses import JSONResponse

from pilothouse.web.auth import ForbiddenError, Keys, UnauthorisedError
from pilothouse.web.observe import HttpMetrics, Observer, RequestLog
from pilothouse.web.problem import Entry, ErrorTable, install_problems, problem
from pilothouse.web.readiness import Readiness
from pilothouse.web.settings import ServiceSettings

SHARED_ERRORS: ErrorTable = {
    UnauthorisedError: Entry(401, "unauthorised", "API key needed", {"WWW-Authenticate": "Bearer"}),
    ForbiddenError: Entry(403, "forbidden", "This key may not do that"),
}
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_service(
    name: str,
    description: str,
    *,
    settings: ServiceSettings,
    registry: CollectorRegistry,
    readiness: Readiness,
    lifespan: Lifespan,
    errors: ErrorTable,
) -> FastAPI:
    """An app for the service `name`; its routes are the caller's to add.

    `app.state.keys` and `app.state.requests` are set. Raises PilothouseError when the keys file is malformed.
    """
    app = FastAPIOffline(  # the assets of /docs come from here, not from a content network
        title=f"Pilothouse {name}", version=version("pilothouse"), description=description, lifespan=lifespan
    )
    app.state.keys = Keys.read(settings.api_keys_file)
    app.state.requests = RequestLog(name, HttpMetrics(registry), settings)
    app.add_middleware(Observer, requests=app.state.requests)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped; drops a second series for each counter, which no query of ours reads
    install_problems(app, {**SHARED_ERRORS, **errors})
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    _add_health(app, name, readiness)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return app


def _add_health(app: FastAPI, name: str, readiness: Readiness) -> None:
    @app.get("/", tags=["service"], summary="What this is, and where to go on")
    async def root() -> dict[str, Any]:
        links = {"docs": "/docs", "live": "/health/live", "ready": "/health/ready", "metrics": "/metrics"}
        return {"name": name, "version": app.version, "description": app.description, "links": links}

    @app.get("/health/live", tags=["service"], summary="The process runs")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/health/ready", tags=["service"], summary="It can do its work; 503 with the reasons when it cannot")
    async def ready() -> Response:
        reasons = readiness.reasons()
        if reasons:
            detail = "; ".join(f"{part}: {reason}" for part, reason in reasons.items())
            return problem(503, "not-ready", "Not ready", detail, reasons=reasons)
        return JSONResponse({"status": "ready"})
