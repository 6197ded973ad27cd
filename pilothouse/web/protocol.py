"""uvicorn's HTTP protocol with three things that its own costs a small answer taken away.

- An answer's head and body are sent in one system call (`joining.py`).
- A request of which the body has come with the head may be answered by a `Shortcut`: called, not awaited. A task with
  its future, two messages through ASGI and a look at each header took half of the time of a prediction.
- A connection has one timer for its idle time, not one for each answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from functools import partial
from typing import Any, ClassVar

import structlog
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from pilothouse.web.joining import JoiningTransport, Turn
from pilothouse.web.observe import send_body
from pilothouse.web.problem import PROBLEM_JSON, problem_body
from pilothouse.web.whole import Headers, Shortcut, WholeRequest

_log = structlog.get_logger("http")


def make_protocol(shortcut: Shortcut | None = None) -> type[HttpToolsProtocol]:
    """For `uvicorn.Config(http=...)` of one server."""
    shared = {"shortcut": shortcut, "turn": Turn(), "heads": _Heads()}
    return type("ServerProtocol", (PilothouseProtocol,), shared)


class PilothouseProtocol(HttpToolsProtocol):
    """Of one server: `make_protocol` gives it what its connections share."""

    shortcut: ClassVar[Shortcut | None] = None
    turn: ClassVar[Turn]
    heads: ClassVar[_Heads]
    transport: JoiningTransport  # type: ignore[assignment]  # it has what uvicorn uses of a transport

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._opening = False
        self._arriving: RequestResponseCycle | None = None  # its head has come; the shortcut wants it with its body
        self._idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(JoiningTransport(transport, self.turn))  # type: ignore[arg-type]  # see above
        self.flow = _Flow(self.transport, self.pipeline)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._arriving is not None:  # the body is still to come: the app reads it, with its own patience
            arriving, self._arriving = self._arriving, None
            super()._start_asgi_task(arriving, self.app)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._idle_since = None

    def on_headers_complete(self) -> None:
        self._opening = True
        try:
            super().on_headers_complete()
        finally:
            self._opening = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        head: Any = cycle.scope
        if self.shortcut is not None and self._opening and app is self.app and self.shortcut.takes(head):
            self._arriving = cycle
        else:
            super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._arriving is not None and self.shortcut is not None:
            arriving, self._arriving = self._arriving, None
            self.flow.resume_reading()  # paused by a large body, which has been taken
            self._answer(arriving, self.shortcut)

    def _answer(self, cycle: RequestResponseCycle, shortcut: Shortcut) -> None:
        request = WholeRequest(partial(self._reply, cycle), self.tasks, self.loop)
        head: Any = cycle.scope
        try:
            request.under_way(shortcut.answer(head, bytes(cycle.body), request.reply))
        except Exception:
            _log.exception("unhandled error", path=head["path"])
            request.reply(500, problem_body(500, "internal", "Internal server error"), PROBLEM_JSON, ())

    def _reply(
        self, cycle: RequestResponseCycle, status: int, body: bytes, content_type: str, headers: Headers
    ) -> bool:
        """The whole answer at once, as `RequestResponseCycle.send` would write it of two messages."""
        if cycle.disconnected or cycle.response_started:
            return False
        if self.flow.write_paused:  # the caller reads slowly, and nothing more is read from it meanwhile
            send: Any = cycle.send
            self._finish(send_body(send, status, body, content_type, headers))
            return True
        head = self.heads.begin(self.server_state.default_headers, status, content_type)
        more = b"".join(b"%b: %b\r\n" % header for header in headers)
        if not cycle.keep_alive:
            more += b"connection: close\r\n"
        self.transport.write_whole(b"%b%d\r\n%b\r\n%b" % (head, len(body), more, body))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
        return True

    def _finish(self, sending: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(sending)
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

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


class _Flow(FlowControl):
    """Reads nothing more while requests wait in line: else a caller that sends without reading fills the memory."""

    def __init__(self, transport: Any, pipeline: Collection[Any]) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        if not self._pipeline:
            super().resume_reading()


class _Heads:
    """The first lines of answers, made once for as long as the server's own headers (the date) stay the same."""

    def __init__(self) -> None:
        self._default: list[tuple[bytes, bytes]] | None = None
        self._made: dict[tuple[int, str], bytes] = {}

    def begin(self, default: list[tuple[bytes, bytes]], status: int, content_type: str) -> bytes:
        """Everything up to the number in content-length."""
        if default is not self._default:
            self._default, self._made = default, {}
        made = self._made.get((status, content_type))
        if made is None:
            headers = [*default, (b"content-type", content_type.encode())]
            made = STATUS_LINE[status] + b"".join(b"%b: %b\r\n" % h for h in headers) + b"content-length: "
            self._made[status, content_type] = made
        return made
