"""What the drift service asks of the collector, and what it tells it; `collector` does it over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pyarrow as pa

from pilothouse.ids import time_ms
from services.drift.window import SCORED_ROWS, Window

RunKind = Literal["drift", "performance"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Records of a window. `table` is all of them, or an unbiased sample; `window_rows` is how many there are."""

    table: pa.Table = field(repr=False)
    window_rows: int

    def span_ms(self) -> tuple[int | None, int | None]:
        """Times of the first and the last record, from their ids."""
        if not self.table.num_rows or "id" not in self.table.column_names:
            return None, None
        ids = [_as_uuid(value) for value in self.table.column("id").to_pylist()]
        return time_ms(min(ids)), time_ms(max(ids))


class Records(Protocol):
    """Every call raises CollectorAwayError when there is no answer. Of a model that was never announced there are
    no records."""

    async def newest(self, model: str, version: str) -> str | None:
        """The id of the newest record; None when there is none."""

    async def count(self, model: str, version: str) -> int:
        """How many records have come."""

    async def labels(self, model: str, version: str) -> int:
        """How many labels have come."""

    async def read(
        self,
        model: str,
        version: str,
        window: Window,
        columns: Sequence[str],
        *,
        with_labels: bool = False,
        only_labelled: bool = False,
        most: int = SCORED_ROWS,
    ) -> Rows:
        """The window's records, or an unbiased sample of `most`, with these columns, those that they do not have left
        out; with labels, a column `label` too; only those that have a label."""

    async def save_run(self, run: Mapping[str, Any], kind: RunKind = "drift") -> None:
        """Keep a result, so that last Tuesday's drift can be asked for."""

    async def runs(self, query: Mapping[str, str], kind: RunKind = "drift") -> bytes:
        """Kept results as the collector answers them, JSON."""


def _as_uuid(value: Any) -> uuid.UUID:
    if isinstance(value, uuid.UUID):
        return value
    return uuid.UUID(bytes=value) if isinstance(value, bytes) else uuid.UUID(value)
