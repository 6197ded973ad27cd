"""Heads of requests that need no parsing, because they were parsed before; see `protocol.py`."""

from __future__ import annotations

from typing import Generic

from pilothouse.serving.whole import WantedT


class KnownHeads(Generic[WantedT]):
    """What the shortcut wants of heads that have been parsed before, by their bytes.

    A caller that keeps its connection sends the same head again and again, and parsing it was a fifth of a prediction.
    The same bytes mean the same, so what is known is right for every connection; what a body adds, its length, is
    compared. A head is known only if it was parsed where a message begins and nothing followed its body.
    """

    MOST, LONGEST = 1024, 1024

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[WantedT, int]] = {}

    def find(self, data: bytes) -> tuple[WantedT, bytes] | None:
        """What is wanted and the body, when `data` is one whole request with a known head."""
        head, end, body = data.partition(b"\r\n\r\n")
        known = self._known.get(head)
        return (known[0], body) if known is not None and end and known[1] == len(body) else None

    def learn(self, data: bytes, body: bytes, wanted: WantedT) -> None:
        """`data` is what was parsed, `body` and `wanted` what was found in it."""
        head, _, rest = data.partition(b"\r\n\r\n")
        if rest != body or len(head) > self.LONGEST or b"\r\ntraceparent:" in head.lower():
            return
        if len(self._known) >= self.MOST:
            self._known.clear()
        self._known[head] = (wanted, len(body))
