"""uvicorn's HTTP protocol with four things that its own costs a small answer taken away.

- An answer's head and body are sent in one system call (`joining.py`).
- A request of which the body has come with the head may be answered by a `Shortcut`: called, not awaited. A task with
  its future, two messages through ASGI and a look at each header took half of the time of a prediction.
- Such a request whose head has come before, byte by byte, is not parsed again (`known_heads.py`).
- A connection has one timer for its idle time, not one for each answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, ClassVar

import structlog
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from pilothouse.serving.joining import JoiningTransport, Turn
from pilothouse.serving.known_heads import KnownHeads
from pilothouse.serving.problem import PROBLEM_JSON, problem_body
from pilothouse.serving.whole import Headers, Shortcut, WholeRequest

_log = structlog.get_logger("http")


def make_protocol(shortcut: Shortcut[Any] | None = None) -> type[HttpToolsProtocol]:
    """For `uvicorn.Config(http=...)` of one server."""
    shared = {"shortcut": shortcut, "turn": Turn(), "beginnings": _Beginnings(), "known": KnownHeads[Any]()}
    return type("ServerProtocol", (PilothouseProtocol,), shared)


class PilothouseProtocol(HttpToolsProtocol):
    """Of one server: `make_protocol` gives it what its connections share."""

    shortcut: ClassVar[Shortcut[Any] | None] = None
    turn: ClassVar[Turn]
    beginnings: ClassVar[_Beginnings]
    known: ClassVar[KnownHeads[Any]]
    transport: JoiningTransport  # type: ignore[assignment]  # it has what uvicorn uses of a transport
    cycle: RequestResponseCycle | WholeRequest | None  # type: ignore[assignment]  # it has what uvicorn looks at

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._opening = False
        self._between = True  # the parser has seen the end of one message and nothing of the next
        self._piece: bytes | None = None  # what is being parsed, where a message begins with it
        self._arriving: tuple[RequestResponseCycle, Any] | None = None  # its head has come, and is wanted
        self._idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(JoiningTransport(transport, self.turn))  # type: ignore[arg-type]  # see above
        self.flow = _Flow(self.transport, self.pipeline)

    def data_received(self, data: bytes) -> None:
        if self._is_idle() and not self.flow.write_paused:
            found = self.known.find(data)
            if found:
                self._idle_since = None
                self._answer(*found, keep_alive=True)
                return
        self._piece = data if self._between else None
        super().data_received(data)
        self._piece = None
        if self._arriving is not None:  # the body is still to come: the app reads it, with its own patience
            (arriving, _), self._arriving = self._arriving, None
            super()._start_asgi_task(arriving, self.app)

    def _is_idle(self) -> bool:
        """Whether what comes now begins a message, and every answer before it has been given."""
        answered = self.cycle is not None and self.cycle.response_complete
        return self._between and self._idle_since is not None and answered

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._between, self._idle_since = False, None

    def on_headers_complete(self) -> None:
        self._idle_since = None  # once more: the last answer may have been given since this message began
        self._opening = True
        try:
            super().on_headers_complete()
        finally:
            self._opening = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        wanted = None
        if self.shortcut is not None and self._opening and app is self.app and not self.flow.write_paused:
            head: Any = cycle.scope
            wanted = self.shortcut.wants(head)
        if wanted is None:
            super()._start_asgi_task(cycle, app)
        else:
            self._arriving = (cycle, wanted)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._between = True
        if self._arriving is not None:
            (cycle, wanted), self._arriving = self._arriving, None
            self.flow.resume_reading()  # paused by a large body, which has been taken
            body = bytes(cycle.body)
            if self._piece is not None and self._is_plain(cycle):
                self.known.learn(self._piece, body, wanted)
            self._answer(wanted, body, keep_alive=cycle.keep_alive)

    def _is_plain(self, cycle: RequestResponseCycle) -> bool:
        """Whether nothing about the connection changes with this request."""
        return cycle.keep_alive and not cycle.waiting_for_100_continue and not self.parser.should_upgrade()

    def _answer(self, wanted: Any, body: bytes, *, keep_alive: bool) -> None:
        assert self.shortcut is not None
        self.cycle = request = WholeRequest(self._send, self.tasks, keep_alive=keep_alive)
        try:
            request.under_way(self.shortcut.answer(wanted, body, request.reply))
        except Exception:
            _log.exception("unhandled error")
            request.reply(500, problem_body(500, "internal", "Internal server error"), PROBLEM_JSON, ())

    def _send(self, request: WholeRequest, status: int, body: bytes, content_type: str, headers: Headers) -> None:
        """The whole answer at once, as `RequestResponseCycle.send` would write it of two messages."""
        beginning = self.beginnings.of(self.server_state.default_headers, status, content_type)
        more = b"".join([b"%b: %b\r\n" % header for header in headers]) if headers else b""
        if not request.keep_alive:
            more += b"connection: close\r\n"
        self.transport.write_whole(b"%b%d\r\n%b\r\n%b" % (beginning, len(body), more, body))
        if not request.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """As uvicorn's, with a timer that is kept."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wake_after(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        """Nothing: uvicorn asks for it when data comes, and what counts here is whether a request has begun."""

    def timeout_keep_alive_handler(self) -> None:
        """End the connection when it has been idle for long enough; else look again."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._wake_after(left)
        else:
            super().timeout_keep_alive_handler()

    def _wake_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        if self.cycle is not None and self.cycle.response_complete:
            self.cycle = None  # it and this protocol hold each other


class _Flow(FlowControl):
    """Reads nothing more while requests wait in line: else a caller that sends without reading fills the memory."""

    def __init__(self, transport: Any, pipeline: Collection[Any]) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        if not self._pipeline:
            super().resume_reading()


class _Beginnings:
    """The first lines of answers, made once for as long as the server's own headers (the date) stay the same."""

    def __init__(self) -> None:
        self._default: list[tuple[bytes, bytes]] | None = None
        self._made: dict[tuple[int, str], bytes] = {}

    def of(self, default: list[tuple[bytes, bytes]], status: int, content_type: str) -> bytes:
        """Everything up to the number in content-length."""
        if default is not self._default:
            self._default, self._made = default, {}
        made = self._made.get((status, content_type))
        if made is None:
            headers = [*default, (b"content-type", content_type.encode())]
            made = STATUS_LINE[status] + b"".join(b"%b: %b\r\n" % h for h in headers) + b"content-length: "
            self._made[status, content_type] = made
        return made
