"""What visitors' browsers ask of the page's server, counted as on every service.

Streamlit's routes hold pieces of a caller's path, so a request is counted under the place that it begins with, which
is one of few; every page of the script has an address of its own and counts as `/{page}`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pilothouse.serving.http_metrics import HttpMetrics

_OURS = frozenset({"/", "/health/live", "/health/ready", "/metrics"})
_PLACES = ("/_stcore/upload_file", "/_stcore", "/component", "/media", "/static")
Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Traffic:
    """ASGI middleware. WebSockets, which live as long as a visit, are not counted."""

    def __init__(self, app: App, metrics: HttpMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 499
        self._metrics.begun()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self._metrics.answered(scope["method"], place(scope["path"]), status, time.perf_counter() - begun)


def place(path: str) -> str:
    """What a path is counted as: never the caller's own text."""
    if path in _OURS:
        return path
    return next((f"{start}/{{rest}}" for start in _PLACES if path.startswith(f"{start}/")), "/{page}")
