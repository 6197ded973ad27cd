"""What stands before the page where it has a login: nothing of it, and no WebSocket, without a session or a key."""

from __future__ import annotations

import asyncio
from urllib.parse import quote, urlencode

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pilothouse.errors import PilothouseError
from pilothouse.serving.problem import response_of
from services.frontend.login.attempts import Attempts
from services.frontend.login.errors import ERRORS, LoginNeededError
from services.frontend.login.sessions import Sessions

LOGIN, LOGOUT = "/login", "/logout"
SESSION_HEADER = "pilothouse-session"  # tells the page's script that there is a session to end
_READ = frozenset({"GET", "HEAD"})
_OPEN = {LOGIN: _READ | {"POST"}, LOGOUT: {"POST"}, "/health/live": _READ, "/health/ready": _READ, "/metrics": _READ}
_POLICY_VIOLATION = 1008


class LoginGate:
    """ASGI middleware. A browser that opens an address is sent to the login; anything else is refused with 401."""

    def __init__(self, app: ASGIApp, sessions: Sessions, attempts: Attempts) -> None:
        self._app, self._sessions, self._attempts = app, sessions, attempts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope.get("method") in _OPEN.get(scope["path"], ()):
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        seconds = self._sessions.seconds_left(asked.cookies.get(self._sessions.cookie))
        if seconds > 0:
            scope = {**scope, "headers": [*scope["headers"], (SESSION_HEADER.encode(), b"1")]}
            await self._serve(seconds, scope, receive, send)
            return
        key = asked.headers.get("authorization")
        try:
            await self._attempts.check(key.encode("latin-1") if key else None)
        except PilothouseError as error:
            await _refuse(asked, error if key else LoginNeededError())(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _serve(self, seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket ends with its session, which it would outlive otherwise."""
        if scope["type"] == "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._app(scope, receive, send)
        except TimeoutError:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": "the session is over"})


def _refuse(asked: HTTPConnection, error: PilothouseError) -> Response:
    opened = asked.scope.get("method") in _READ and "text/html" in asked.headers.get("accept", "")
    if opened and asked.headers.get("sec-fetch-dest", "document") == "document":
        query = f"?{asked.url.query}" if asked.url.query else ""
        return RedirectResponse(f"{LOGIN}?{urlencode({'next': quote(asked.scope['path']) + query})}", 303)
    return response_of(ERRORS, error)
