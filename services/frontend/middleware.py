"""What stands before Streamlit in the page's server, beside HostGuard and the login: it counts requests."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pilothouse.serving.metrics import HttpMetrics
from services.frontend import proxy

_OUR_ROUTES = frozenset({"/", "/health/live", "/health/ready", "/metrics", "/login", "/logout"})
_STREAMLIT_ROUTES = ("/_stcore/upload_file", "/_stcore", "/component", "/media", "/static")


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


class OriginChecked:
    """Takes the `Origin` off WebSockets, which HostGuard before has checked.

    Streamlit would check it again, and for one that is not the `Host` ask a server on the internet for this machine's
    public address, holding its event loop up to two seconds.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"origin"]}
        await self._app(scope, receive, send)
