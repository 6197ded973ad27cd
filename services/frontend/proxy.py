"""The drift service's answers at the page's own address, so that one address is enough: for a link in a message, for a
browser, for a program, and where nobody outside can reach the drift service itself.

Only the addresses below are passed on, as GET, with the page's own key and four headers of the caller's.
"""

from __future__ import annotations

import asyncio
import re
import time
from urllib.parse import quote

import httpx2
import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.frontend.clients.connection import CONNECT_SECONDS, reason
from services.frontend.errors import (
    AddressError,
    MethodError,
    NoReportError,
    PageEndsError,
    ServiceAway,
    ServiceRefused,
)
from services.frontend.metrics import PageMetrics
from services.frontend.problems import ERRORS, respond, wants_page
from services.frontend.settings import FrontendSettings

_VIEWS = frozenset({"/drift", "/performance"})  # where a browser finds the page's own view
_ADDRESSES = _VIEWS | {
    "/drift/history", "/drift/distributions", "/drift/embedding", "/performance/history", "/drift-report",
}  # fmt: skip
_REPORTS, _REPORT_ID = "/drift-report/", re.compile(r"[\w-]{1,64}", re.ASCII)
_ASKED = {b"accept": b"*/*", b"accept-encoding": b"identity"}  # where the caller says nothing
_PASSED_ON = (*_ASKED, b"traceparent", b"tracestate")
# of the connection, which is another one here, and what this server says itself
_OWN = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"date", b"server"}
)
_QUERY_CHARACTERS = "%&=+,;:@/?!$'()*[]"
_REFUSALS = (401, 403, 421)  # of this page, not of its caller
_LONGEST_SECONDS = 305  # the drift service lets a caller wait for 300
_log = structlog.get_logger("proxy")


def route(path: str) -> str | None:
    """The template of an address that is passed on; None for every other."""
    if path.startswith(_REPORTS):
        return "/drift-report/{report_id}"
    return path if path in _ADDRESSES else None


def connect(settings: FrontendSettings) -> httpx2.AsyncClient:
    """Connections to the drift service, with the page's key. Nothing is sent yet."""
    key, url = settings.key(), settings.drift_url
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = httpx2.Timeout(settings.timeout_seconds, connect=CONNECT_SECONDS)
    as_many_as_callers = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
    return httpx2.AsyncClient(
        base_url=url, headers=headers, auth=settings.identity(url), timeout=timeout, trust_env=False,
        limits=as_many_as_callers,
    )  # fmt: skip


class DriftProxy:
    """ASGI middleware that answers for the drift service and passes on all else. A browser that goes to /drift or
    /performance gets the page's view; who does not ask for HTML gets the JSON."""

    def __init__(self, app: ASGIApp, drift: httpx2.AsyncClient, metrics: PageMetrics) -> None:
        self._app, self._drift, self._metrics = app, drift, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or route(path) is None:
            await self._app(scope, receive, send)
            return
        if path in _VIEWS:
            send = _by_accept(send)
            if scope["method"] in ("GET", "HEAD") and wants_page(scope):
                await self._app(scope, receive, send)
                return
        await self._while_the_caller_is_there(scope, receive, send)

    async def _while_the_caller_is_there(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = asyncio.Event()

        async def noted(message: Message) -> None:
            begun.set()
            await send(message)

        work = asyncio.create_task(self._answer(scope, receive, noted))
        tasks = (work, asyncio.create_task(_until_gone(receive)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:  # the server stops, and waits for nobody
            if not begun.is_set():
                await respond(PageEndsError(), scope, receive, send)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        if not work.cancelled():
            work.result()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._pass_on(scope, send)
        except tuple(ERRORS) as error:
            await respond(error, scope, receive, send)

    async def _pass_on(self, scope: Scope, send: Send) -> None:
        answer = await self._ask(self._request(scope))
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() not in _OWN]
        try:
            await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
            if scope["method"] == "GET":
                async for piece in answer.aiter_raw():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})
        except httpx2.HTTPError as error:  # with no end sent the server closes the connection: the caller sees the cut
            _log.warning("an answer of the drift service is cut off", path=scope["path"], reason=reason(error))
        finally:
            await answer.aclose()

    async def _ask(self, request: httpx2.Request) -> httpx2.Response:
        """An answer whose body is still to be read. Before a question that may take minutes, the service is asked
        whether it lives. Raises ServiceAway, and ServiceRefused where it is the page that is refused."""
        begun = time.perf_counter()
        try:
            await self._drift.get("/health/live")
            answer = await self._drift.send(request, stream=True)
        except httpx2.HTTPError as error:
            self._metrics.called("drift", "away", time.perf_counter() - begun)
            raise ServiceAway("drift", str(self._drift.base_url), reason(error)) from error
        outcome = "answered" if answer.is_success else "refused"
        self._metrics.called("drift", outcome, time.perf_counter() - begun)
        if answer.status_code in _REFUSALS:
            await answer.aclose()
            title = answer.reason_phrase
            raise ServiceRefused("drift", str(request.url), answer.status_code, title=title, detail=title, faults=[])
        return answer

    def _request(self, scope: Scope) -> httpx2.Request:
        """Raises MethodError, NoReportError or AddressError."""
        path, query = scope["path"], quote(scope["query_string"], safe=_QUERY_CHARACTERS)
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodError(scope["method"])
        if path.startswith(_REPORTS) and not _REPORT_ID.fullmatch(path.removeprefix(_REPORTS)):
            raise NoReportError
        given = [(name, value) for name, value in scope["headers"] if name in _PASSED_ON and value]
        headers = [*given, *(pair for pair in _ASKED.items() if pair[0] not in dict(given))]
        timeout = httpx2.Timeout(_LONGEST_SECONDS, connect=CONNECT_SECONDS)
        try:
            return self._drift.build_request("GET", f"{path}?{query}", headers=headers, timeout=timeout)
        except httpx2.InvalidURL as error:
            raise AddressError(str(error)) from error


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _by_accept(send: Send) -> Send:
    """`send`, which tells caches that what is answered depends on what is accepted."""

    async def varied(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(raw=message["headers"]).add_vary_header("Accept")
        await send(message)

    return varied
