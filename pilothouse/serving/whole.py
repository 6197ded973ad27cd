"""Requests that arrive whole, answered without a task of their own; see `protocol.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

Head = MutableMapping[str, Any]  # an ASGI scope of type http
Headers = Sequence[tuple[bytes, bytes]]
# Status, body, content type, further headers. False: the caller has gone away.
Reply = Callable[[int, bytes, str, Headers], bool]
WantedT = TypeVar("WantedT")


class Shortcut(Protocol[WantedT]):
    """Answers some requests when they have arrived whole. Others, and those whose body comes later, go to the app."""

    def wants(self, head: Head) -> WantedT | None:
        """What `answer` needs to know of a request's head; None when this is no request for it. It must follow from
        method, path and headers alone: it is kept for requests whose head is the same, byte by byte."""

    def answer(self, wanted: WantedT, body: bytes, reply: Reply) -> Callable[[], None]:
        """Call `reply` once, now or later, on the event loop. Returns what has it called at once with an error, where
        it has not been: the service stops."""


class WholeRequest:
    """A request that the shortcut has: what uvicorn's protocol has in its `cycle`, and among its `tasks` until it is
    answered, so that the server waits for it, and ends it as it ends them, when it stops."""

    __slots__ = ("_give_up", "_send", "_tasks", "disconnected", "keep_alive", "response_complete")
    message_event: ClassVar[asyncio.Event] = asyncio.Event()  # uvicorn sets it when there is news; nobody waits for any

    def __init__(
        self, send: Callable[[WholeRequest, int, bytes, str, Headers], None], tasks: set[Any], *, keep_alive: bool
    ) -> None:
        self._send, self._tasks = send, tasks
        self._give_up: Callable[[], None] | None = None
        self.keep_alive = keep_alive
        self.disconnected = self.response_complete = False
        tasks.add(self)

    def under_way(self, give_up: Callable[[], None]) -> None:
        """What the shortcut returned. It is let go of with the answer: the two hold each other, and that would be
        garbage for the collector at each request, which was a tenth of a prediction."""
        if not self.response_complete:
            self._give_up = give_up

    def reply(self, status: int, body: bytes, content_type: str, headers: Headers) -> bool:
        """A `Reply`."""
        if self.response_complete:
            return False
        self.response_complete = True
        self._tasks.discard(self)
        self._give_up = None
        if self.disconnected:
            return False
        self._send(self, status, body, content_type, headers)
        return True

    def cancel(self, msg: str | None = None) -> bool:
        """As of a task: soon, because whoever asks is going through the tasks."""
        if self._give_up is not None:
            asyncio.get_running_loop().call_soon(self._give_up)
        return True
