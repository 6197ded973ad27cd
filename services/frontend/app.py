"""The page's server: Streamlit as an ASGI app, with the health and metrics routes that every service has, and what it
passes on to the drift service.

`GET /` is the page itself, so there is no list of links there.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2
import structlog
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamlit.file_util import get_static_dir
from streamlit.starlette import App

from pilothouse.serving.auth import Keys
from pilothouse.serving.hosts import AllowedHosts, HostGuard
from services.frontend import proxy
from services.frontend.login.attempts import Attempts
from services.frontend.login.middleware import LoginGate
from services.frontend.login.routes import LoginRoutes
from services.frontend.login.sessions import Sessions
from services.frontend.metrics import PageMetrics
from services.frontend.middleware import CountRequests, OriginChecked
from services.frontend.settings import FrontendSettings
from services.frontend.static_files import ServeStaticFiles, StaticFiles

_SCRIPT = Path(__file__).with_name("page.py")
_HEAVY = ("altair", "pandas", "pyarrow", "services.frontend.views.pages")
_LOGGING_LIBRARIES = ("streamlit", "uvicorn", "websockets")


def create_app(settings: FrontendSettings, metrics: PageMetrics) -> Any:
    """The ASGI app. It imports what its pages draw with before it takes connections, so that the first visitor does not
    wait for that. Raises PilothouseError when the keys file is malformed."""
    log = structlog.get_logger("page")
    files = StaticFiles(Path(get_static_dir()))
    drift = proxy.connect(settings)
    hosts = AllowedHosts(settings.allowed_hosts, settings.public_address())
    login_routes, login_gate = _login(settings)

    def on_script_error(error: Exception) -> None:
        metrics.failed()
        log.error("a page failed", exc_info=error)

    return App(
        _SCRIPT,
        lifespan=partial(_lifespan, files, drift),
        routes=[*_routes(metrics), *login_routes],
        middleware=[
            Middleware(CountRequests, metrics=metrics.http),
            Middleware(HostGuard, hosts=hosts),
            Middleware(ServeStaticFiles, files=files),
            *login_gate,
            Middleware(OriginChecked),
            Middleware(proxy.DriftProxy, drift=drift, metrics=metrics),
        ],
        on_script_error=on_script_error,
    )


def _login(settings: FrontendSettings) -> tuple[list[Route], list[Middleware]]:
    """The login's routes, and what stands before all others; none where callers without a key may read."""
    keys = Keys.read(settings.api_keys_file)
    if keys.allow(None, "read"):
        return [], []
    sessions, attempts = Sessions(keys, settings.login_hours), Attempts(keys)
    return LoginRoutes(sessions, attempts).routes(), [Middleware(LoginGate, sessions=sessions, attempts=attempts)]


@asynccontextmanager
async def _lifespan(files: StaticFiles, drift: httpx2.AsyncClient, _: Any) -> AsyncIterator[None]:
    for module in _HEAVY:
        import_module(module)
    files.warm()
    join_logs()
    gc.freeze()  # Streamlit collects garbage after every run: 90 ms through all that was imported, 10 without
    async with drift:
        yield


def join_logs() -> None:
    """Send the log records of Streamlit and uvicorn, which bring handlers and formats of their own, through the root
    logger.

    Loggers made later are not touched: call it again once everything is imported. The opening and closing of every
    visitor's connection is left out.
    """
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.partition(".")[0] in _LOGGING_LIBRARIES:
            logger.handlers.clear()
            logger.propagate = True
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def _routes(metrics: PageMetrics) -> list[Route]:
    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> Response:
        return JSONResponse({"status": "ready"})

    async def exposition(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return [Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", exposition)]
