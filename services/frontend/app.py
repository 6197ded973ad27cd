"""The page's server: Streamlit as an ASGI app, with the health and metrics routes that every service has.

`GET /` is the page itself, so there is no list of links there.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamlit.file_util import get_static_dir
from streamlit.starlette import App

from services.frontend.assets import Assets, Files
from services.frontend.logs import join_logs
from services.frontend.metrics import PageMetrics
from services.frontend.origin import SameOrigin
from services.frontend.traffic import Traffic

_SCRIPT = Path(__file__).with_name("page.py")
_HEAVY = ("altair", "pandas", "pyarrow", "services.frontend.views")


def create_app(metrics: PageMetrics) -> Any:
    """The ASGI app. It takes no connection before what its pages draw with is imported, so that the first visitor does
    not wait for that."""
    log = structlog.get_logger("page")
    files = Files(Path(get_static_dir()))

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        for module in _HEAVY:
            import_module(module)
        files.warm()
        join_logs()
        gc.freeze()  # Streamlit collects garbage after every run: 90 ms through all that was imported, 10 without
        yield

    def on_script_error(error: Exception) -> None:
        metrics.failed()
        log.error("a page failed", exc_info=error)

    return App(
        _SCRIPT,
        lifespan=lifespan,
        routes=_routes(metrics),
        middleware=[
            Middleware(Traffic, metrics=metrics.http),
            Middleware(Assets, files=files),
            Middleware(SameOrigin),
        ],
        on_script_error=on_script_error,
    )


def _routes(metrics: PageMetrics) -> list[Route]:
    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> Response:
        return JSONResponse({"status": "ready"})

    async def measured(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return [Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", measured)]
