"""What goes into one prediction, and what comes out of it."""

from __future__ import annotations

import msgspec

from pilothouse.model import Inputs, Outputs
from pilothouse.serving.trace import Trace


class Call(msgspec.Struct):
    """One request's inputs. `begun` is `time.perf_counter` when its body had arrived, `decoded` when it was understood
    and began to wait for its batch."""

    inputs: Inputs
    begun: float
    source: str | None
    trace_id: str | None
    trace: Trace | None = None
    decoded: float = 0.0


class Answer(msgspec.Struct):
    """One request's predictions. `latency_ms` ends when the model had answered."""

    ids: list[bytes]
    outputs: Outputs
    first: int
    logged: bool
    latency_ms: float
