"""Requests that arrive whole, answered without a task of their own; see `protocol.py`."""

from __future__ import annotations

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

    def answer(self, head: Head, body: bytes, reply: Reply) -> None:
        """Call `reply` once, now or later, on the event loop. Raises nothing."""
