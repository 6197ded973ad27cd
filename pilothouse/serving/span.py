"""One span, as it waits to be exported, and who exports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pilothouse.serving.trace import Trace

Kind = Literal["server", "client", "internal"]


@dataclass(frozen=True, slots=True)
class Span:
    """`begun_ns` and `ended_ns` are since the epoch."""

    name: str
    trace: Trace
    kind: Kind
    begun_ns: int
    ended_ns: int
    failed: bool
    attributes: Mapping[str, Any]


class Exporter(Protocol):
    def send(self, spans: list[Span]) -> bool:
        """Whether they were taken. Blocks for as long as that needs, within a bound."""

    def close(self) -> None: ...
