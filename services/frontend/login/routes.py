"""`/login` and `/logout`."""

from __future__ import annotations

from urllib.parse import parse_qs

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from pilothouse.serving.auth import ForbiddenError, UnauthorisedError
from services.frontend.login.attempts import Attempts
from services.frontend.login.errors import TooManyAttemptsError
from services.frontend.login.form import HEADERS, login_page
from services.frontend.login.middleware import LOGIN, LOGOUT
from services.frontend.login.sessions import Sessions

_MOST_BYTES = 4096
_FAULTS = {
    UnauthorisedError: (403, "This key is not known."),
    ForbiddenError: (403, "This key may not read: it lacks the scope read."),
    TooManyAttemptsError: (429, "Too many wrong keys were tried just now. Try again in a moment."),
}


class LoginRoutes:
    """What a visitor's browser asks of the login."""

    def __init__(self, sessions: Sessions, attempts: Attempts) -> None:
        self._sessions, self._attempts = sessions, attempts
        self._log = structlog.get_logger("login")

    def routes(self) -> list[Route]:
        return [
            Route(LOGIN, self.show, methods=["GET"]),
            Route(LOGIN, self.log_in, methods=["POST"]),
            Route(LOGOUT, self.log_out, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The form; who is logged in goes on."""
        if self._sessions.seconds_left(request.cookies.get(self._sessions.cookie)) > 0:
            return RedirectResponse(_next(request), 303)
        return HTMLResponse(login_page(), headers=HEADERS)

    async def log_in(self, request: Request) -> Response:
        """A session for a key that may read; otherwise the form again, which says why not."""
        try:
            await self._attempts.check(b"Bearer " + await _typed_key(request))
        except (UnauthorisedError, ForbiddenError, TooManyAttemptsError) as error:
            status, fault = _FAULTS[type(error)]
            self._log.warning("a login was refused", why=fault)
            return HTMLResponse(login_page(fault), status, HEADERS)
        answer = RedirectResponse(_next(request), 303)
        answer.set_cookie(
            self._sessions.cookie,
            self._sessions.begin(),
            max_age=int(self._sessions.seconds),
            secure=_is_secure(request),
            httponly=True,
            samesite="lax",  # a link in a message opens the page; nobody else's page can call it
        )
        return answer

    async def log_out(self, _: Request) -> Response:
        answer = RedirectResponse(LOGIN, 303)
        answer.delete_cookie(self._sessions.cookie, httponly=True, samesite="lax")
        return answer


async def _typed_key(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece[: _MOST_BYTES - len(body)]
    return parse_qs(bytes(body)).get(b"key", [b""])[0].strip()


def _is_secure(request: Request) -> bool:
    """Whether the browser speaks TLS, with us or with a proxy. Its Origin says so, whichever proxy that is."""
    return request.headers.get("origin", "").startswith("https://") or request.url.scheme == "https"


def _next(request: Request) -> str:
    """The path of ours that was wanted. An address of another server is none, however it is written."""
    wanted = request.query_params.get("next", "/")
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if ours else "/"
