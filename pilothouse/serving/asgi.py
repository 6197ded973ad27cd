"""An ASGI app behind the server: its requests under way are known, and what is left of a body is read before an answer.

A service that answers some requests by RSGI (https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md)
passes the others on to its ASGI app.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

from granian.rsgi import HTTPProtocol
from granian.rsgi import Scope as RsgiScope
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNREAD_BYTES, UNREAD_SECONDS = 64_000_000, 2.0  # of a body that nobody wants, at most


class RsgiHandler(Protocol):
    """What a service answers requests with by RSGI. `tasks` are those under way: they are cancelled when the service
    stops and their time is over."""

    tasks: set[asyncio.Task[Any]]

    def __rsgi__(self, scope: RsgiScope, protocol: HTTPProtocol) -> Coroutine[Any, Any, None]: ...


class AsgiRequests:
    """The app as the server calls it. `tasks` are the requests under way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.tasks: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        answer = _Answer(send)
        body = _UnreadBody(scope, receive)
        try:
            await self._app(scope, body.receive, body.before(answer.send))
            await answer.unless_begun(400)  # the body was cut off, or is none
        except asyncio.CancelledError:  # the service stops
            await answer.unless_begun(503, (b"retry-after", b"5"))
        finally:
            self.tasks.discard(task)


class _Answer:
    """What the app sends. One that was begun and is not ended ends with its connection, so that its caller sees it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def send(self, message: Message) -> None:
        self._begun = True
        await self._send(message)

    async def unless_begun(self, status: int, *headers: tuple[bytes, bytes]) -> None:
        if not self._begun:
            await self.send({"type": "http.response.start", "status": status, "headers": headers})
            await self.send({"type": "http.response.body", "body": b""})


class _UnreadBody:
    """The body of a request. A server that answers before it has read all of it ends the connection, and a caller that
    still sends would see that and not the answer; so what is left is read and dropped, within bounds."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        names = {name for name, _ in scope["headers"]}
        self._receive = receive
        self._unread = bool(names & {b"content-length", b"transfer-encoding"}) and b"expect" not in names

    async def receive(self) -> Message:
        message = await self._receive()
        self._unread = self._unread and bool(message.get("more_body"))
        return message

    def before(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if self._unread:
                await self._read_rest()
            await send(message)

        return sending

    async def _read_rest(self) -> None:
        left = UNREAD_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(UNREAD_SECONDS):
                while self._unread and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        self._unread = False


class RsgiToAsgi(AsgiRequests):
    """The same for a server that calls by RSGI. An answer is sent whole: what the app streams is gathered first."""

    async def answer(self, scope: RsgiScope, protocol: HTTPProtocol) -> None:
        call = _Call(protocol, int(scope.headers.get("content-length", 0)))
        await self(_asgi_scope(scope), call.receive, call.send)


class _Call:
    """The two channels of ASGI over a request of RSGI."""

    def __init__(self, protocol: HTTPProtocol, body_bytes: int) -> None:
        self._protocol, self._missing = protocol, body_bytes
        self._pieces: Any = None
        self._ended = False
        self._status, self._headers, self._body = 500, list[tuple[str, str]](), list[bytes]()

    async def receive(self) -> Message:
        if self._ended:
            await self._protocol.client_disconnect()
            return {"type": "http.disconnect"}
        self._pieces = self._pieces or aiter(self._protocol)
        try:
            piece = await anext(self._pieces)  # with a default it could not be cancelled
        except StopAsyncIteration:
            piece = b""
        self._missing -= len(piece)
        self._ended = not piece
        if self._ended and self._missing > 0:  # a body that was cut off ends as any other
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": not self._ended}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in message.get("headers", ())]
        elif message["type"] == "http.response.body":
            self._body.append(message.get("body", b""))
            if not message.get("more_body"):
                self._protocol.response_bytes(self._status, self._headers, b"".join(self._body))


def _asgi_scope(scope: RsgiScope) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "raw_path": scope.path.encode(),
        "query_string": scope.query_string.encode("latin-1"),
        "root_path": "",
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in scope.headers.items()],
        "client": _address(scope.client),
        "server": _address(scope.server),
        "state": {},
    }


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)
