"""The frame of a service: a FastAPI app with health, metrics, problems, traces and keys already in place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Response
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.responses import JSONResponse

from pilothouse.serving import auth, hosts
from pilothouse.serving.machine import observe_process
from pilothouse.serving.metrics import HttpMetrics
from pilothouse.serving.observe import Observer, RequestLog
from pilothouse.serving.problem import ErrorTable, problem
from pilothouse.serving.problem_handlers import install_problems
from pilothouse.serving.readiness import Readiness
from pilothouse.serving.settings import ServiceSettings
from pilothouse.serving.spans import Spans, open_spans
from pilothouse.serving.stopping import Stopping
from pilothouse.serving.workers import Worker

SHARED_ERRORS: ErrorTable = {**auth.ERRORS, **hosts.ERRORS}
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

    `app.state.keys`, `hosts`, `requests`, `stopping` and `spans` are set. `app.state.handler` is the caller's to set,
    where requests are answered by RSGI. Raises PilothouseError when the keys file is malformed.
    """
    spans = open_spans(name, settings, registry)
    app = FastAPIOffline(  # the assets of /docs come from here, not from a content network
        title=f"Pilothouse {name}",
        version=version("pilothouse"),
        description=description,
        lifespan=_closing(spans, lifespan),
    )
    app.state.spans = spans
    app.state.keys = auth.Keys.read(settings.api_keys_file)
    app.state.hosts = hosts.AllowedHosts(settings.allowed_hosts)
    app.state.stopping = Stopping(settings.stop_seconds)
    app.state.worker = app.state.handler = None
    app.state.requests = RequestLog(name, HttpMetrics(registry), settings, spans)
    app.add_middleware(hosts.HostGuard, hosts=app.state.hosts)
    app.add_middleware(Observer, requests=app.state.requests)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped; drops a second series for each counter, which no query of ours reads
    install_problems(app, {**SHARED_ERRORS, **errors})
    observe_process(registry, settings)
    _add_health(app, name, readiness)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        worker: Worker | None = app.state.worker
        try:
            text = await worker.metrics() if worker else generate_latest(registry)
        except OSError as error:
            return problem(503, "not-ready", "Not ready", f"the supervisor of the workers does not answer: {error}")
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return app


def _closing(spans: Spans | None, lifespan: Lifespan) -> Lifespan:
    """The same lifespan; at its end, the spans that still wait are sent."""
    if spans is None:
        return lifespan

    @asynccontextmanager
    async def closing(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app):
            yield
        await asyncio.to_thread(spans.close)

    return closing


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
        worker: Worker | None = app.state.worker
        try:
            reasons = await worker.reasons() if worker else readiness.reasons()
        except OSError as error:
            reasons = {"supervisor": f"does not answer: {error}"}
        if reasons:
            detail = "; ".join(f"{part}: {reason}" for part, reason in reasons.items())
            return problem(503, "not-ready", "Not ready", detail, reasons=reasons)
        return JSONResponse({"status": "ready"})
