"""Requests that arrive whole, answered without a task of their own; see `protocol.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Protocol

Head = MutableMapping[str, Any]  # an ASGI scope of type http
Headers = Sequence[tuple[bytes, bytes]]
# Status, body, content type, further headers. False: the caller has gone away.
Reply = Callable[[int, bytes, str, Headers], bool]


class Shortcut(Protocol):
    """Answers some requests when they have arrived whole. Others, and those whose body comes later, go to the app."""

    def takes(self, head: Head) -> bool:
        """Whether this is such a request."""

    def answer(self, head: Head, body: bytes, reply: Reply) -> Callable[[], None]:
        """Call `reply` once, now or later, on the event loop. Returns what has it called at once with an error, where
        it has not been: the service stops."""


class WholeRequest:
    """A request that the shortcut has. It stands among uvicorn's tasks until it is answered, so that the server waits
    for it, and ends it as it ends them, when it stops."""

    __slots__ = ("_give_up", "_loop", "_reply", "_tasks")

    def __init__(self, reply: Reply, tasks: set[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._reply, self._tasks, self._loop = reply, tasks, loop
        self._give_up: Callable[[], None] | None = None
        tasks.add(self)

    def under_way(self, give_up: Callable[[], None]) -> None:
        """What the shortcut returned. It is let go of with the answer: the two hold each other, and that would be
        garbage for the collector at each request, which was a tenth of a prediction."""
        if self in self._tasks:
            self._give_up = give_up

    def reply(self, status: int, body: bytes, content_type: str, headers: Headers) -> bool:
        """A `Reply`."""
        self._tasks.discard(self)
        self._give_up = None
        return self._reply(status, body, content_type, headers)

    def cancel(self, msg: str | None = None) -> bool:
        """As of a task: soon, because whoever asks is going through the tasks."""
        if self._give_up is not None:
            self._loop.call_soon(self._give_up)
        return True
