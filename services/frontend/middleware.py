"""What stands before Streamlit in the page's server: it counts requests, and refuses WebSockets of other sites."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pilothouse.serving.metrics import HttpMetrics
from services.frontend import proxy

_OUR_ROUTES = frozenset({"/", "/health/live", "/health/ready", "/metrics"})
_STREAMLIT_ROUTES = ("/_stcore/upload_file", "/_stcore", "/component", "/media", "/static")
_POLICY_VIOLATION = 1008


class CountRequests:
    """Counts requests as on every service. WebSockets, which live as long as a visit, are not counted."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 499
        self._metrics.begun()

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            self._metrics.answered(scope["method"], route(scope["path"]), status, time.perf_counter() - begun)


def route(path: str) -> str:
    """The route that a request is counted under, never the caller's own text.

    Streamlit's addresses hold file names, so only their beginning counts. Every page of the script is `/{page}`.
    """
    if path in _OUR_ROUTES:
        return path
    if passed_on := proxy.route(path):
        return passed_on
    return next((f"{start}/{{rest}}" for start in _STREAMLIT_ROUTES if path.startswith(f"{start}/")), "/{page}")


class SameOrigin:
    """Refuses WebSockets that a page of another site opens in its visitor's name (the answer is 403).

    Streamlit refuses them too, but first it asks a server on the internet for this machine's public address, and holds
    its event loop up to two seconds for that. A proxy in front has to pass on the `Host` that the visitor asked for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not is_same_origin(dict(scope["headers"])):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        await self._app(scope, receive, send)


def is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the browser's `Origin` is the host that was asked. Programs send none and may pass."""
    origin = headers.get(b"origin")
    return origin is None or urlsplit(origin).netloc == headers.get(b"host")
