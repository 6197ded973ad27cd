"""W3C Trace Context (https://www.w3.org/TR/trace-context/): taken in, logged, passed on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import msgspec

_TRACEPARENT = re.compile(rb"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16
_SAMPLED = frozenset("13579bdf")
Kind = Literal["server", "internal"]
_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


class Trace(msgspec.Struct, frozen=True):
    """A span of ours, and the span it was started by, where there is one."""

    trace_id: str
    span_id: str
    flags: str = "00"
    parent: str | None = None

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    @property
    def sampled(self) -> bool:
        """Whether whoever began the trace wants its spans to be exported."""
        return self.flags[-1] in _SAMPLED

    def child(self) -> Trace:
        return Trace(self.trace_id, os.urandom(8).hex(), self.flags, self.span_id)

    def as_sampled(self) -> Trace:
        return msgspec.structs.replace(self, flags="01")


def start_trace(traceparent: bytes | None) -> Trace:
    """The caller's trace with a span of our own, or a new one when the header is absent or malformed."""
    found = _TRACEPARENT.match(traceparent) if traceparent else None
    if found and found[1] != _NO_TRACE and found[2] != _NO_SPAN:
        return Trace(found[1].decode(), os.urandom(8).hex(), found[3].decode(), found[2].decode())
    digits = os.urandom(24).hex()
    return Trace(digits[:32], digits[32:])


def enter_trace(trace: Trace) -> None:
    """Make `trace` the current one of this task."""
    _current.set(trace)


@contextmanager
def within(trace: Trace) -> Iterator[Trace]:
    """Make `trace` the current one of this task, or thread, until the block ends."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


def current_trace() -> Trace | None:
    return _current.get()


def trace_headers() -> dict[str, str]:
    """What a call to another service carries, so that its log can be joined with ours."""
    trace = _current.get()
    return {"traceparent": trace.traceparent} if trace else {}
