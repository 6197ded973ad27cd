"""W3C Trace Context (https://www.w3.org/TR/trace-context/): taken in, logged, passed on."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(rb"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16
_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


@dataclass(frozen=True, slots=True)
class Trace:
    trace_id: str
    span_id: str
    flags: str = "00"

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def start_trace(traceparent: bytes | None) -> Trace:
    """The caller's trace with a span of our own, or a new one when the header is absent or malformed."""
    found = _TRACEPARENT.match(traceparent) if traceparent else None
    if found and found[1] != _NO_TRACE and found[2] != _NO_SPAN:
        return Trace(found[1].decode(), os.urandom(8).hex(), found[3].decode())
    return Trace(os.urandom(16).hex(), os.urandom(8).hex())


def enter_trace(trace: Trace) -> None:
    """Make `trace` the current one of this task."""
    _current.set(trace)


def current_trace() -> Trace | None:
    return _current.get()


def trace_headers() -> dict[str, str]:
    """What a call to another service carries, so that its log can be joined with ours."""
    trace = _current.get()
    return {"traceparent": trace.traceparent} if trace else {}
