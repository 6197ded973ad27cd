"""What the drift service asks of the collector, and what it tells it; `collector` does it over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.wire.drift import DriftAnswer
from pilothouse.wire.performance import PerformanceAnswer
from services.drift.window import SCORED_ROWS, Window

LABEL, LABELLED_AT, EMBEDDING = "label", "labelled_at", "embedding"  # columns of the log besides the model's own
RunKind = Literal["drift", "performance"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Records of a window. `table` is all of them, or an unbiased sample; `window_rows` is how many there are."""

    table: pa.Table = field(repr=False)
    window_rows: int

    def span_ms(self) -> tuple[int | None, int | None]:
        """Times of the first and the last record."""
        if not self.table.num_rows or "id" not in self.table.column_names:
            return None, None
        times = times_ms(self.table)
        return int(times.min()), int(times.max())


class Records(Protocol):
    """Every call raises CollectorAwayError when there is no answer. Of a model that was never announced there are
    no records."""

    async def states(self) -> dict[tuple[str, str], str]:
        """`active` (it answers), `shadow` or `loaded`, by model and version, of those that an inference service has."""

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

    async def save_run(self, run: DriftAnswer | PerformanceAnswer, kind: RunKind = "drift") -> None:
        """Keep an answer, so that last Tuesday's drift can be asked for."""

    async def runs(self, query: Mapping[str, str], kind: RunKind = "drift") -> bytes:
        """Kept results as the collector answers them, JSON."""


def times_ms(table: pa.Table) -> NDArray[np.int64]:
    """Times of the records (rows,), milliseconds since the epoch, the first 48 bits of their UUIDv7; 0 where there are
    no ids."""
    if "id" not in table.column_names:
        return np.zeros(table.num_rows, dtype=np.int64)
    ids = [str(value) for value in table.column("id").to_pylist()]
    return np.array([int(text[:8] + text[9:13], 16) for text in ids], dtype=np.int64)
