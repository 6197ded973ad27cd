"""The records that performance is computed from: an even sample of a window, and those of the window with a label."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.columns import model_columns
from pilothouse.manifest import Manifest
from services.drift.arrow import Floats, read_numbers, take_rows
from services.drift.performance.intervals import Indices
from services.drift.performance.task import Outcomes
from services.drift.performance.tasks import performance_of
from services.drift.records import LABEL, LABELLED_AT, Records, Rows, times_ms
from services.drift.window import SCORED_ROWS, Window

Times = NDArray[np.int64]
_MS_A_DAY = 86_400_000


@dataclass(frozen=True)
class SampledRecords:
    """Some records. `times` (rows,) are milliseconds since the epoch, from the ids, and rise."""

    table: pa.Table = field(repr=False)
    outcomes: Outcomes = field(repr=False)
    times: Times = field(repr=False)

    @property
    def rows(self) -> int:
        return len(self.times)

    def take(self, rows: Indices) -> SampledRecords:
        return SampledRecords(take_rows(self.table, rows), self.outcomes.take(rows), self.times[rows])


@dataclass(frozen=True)
class WindowSample:
    """`every` is an even sample of the window; `labelled` its records with a usable label, at most as many again.

    `coverage` is the share of the window that has a label, `lags` (labelled rows,) the seconds from a record to its
    label, without those that are not known, `unusable_labels` how many labels could not be used.
    """

    every: SampledRecords
    labelled: SampledRecords
    window_rows: int
    coverage: float
    lags: Floats
    unusable_labels: int

    @property
    def span_ms(self) -> tuple[int | None, int | None]:
        """Times of the first and the last record."""
        times = self.every.times
        return (int(times[0]), int(times[-1])) if len(times) else (None, None)


def needed_columns(manifest: Manifest) -> list[str]:
    return [c.name for c in model_columns(manifest) if c.kind != "vector"]


async def read_sample(records: Records, manifest: Manifest, window: Window) -> WindowSample:
    """At most twice `SCORED_ROWS` records: where a window is larger, its labelled ones are sampled by themselves, so
    that few labels are all used. Raises CollectorAwayError."""
    columns = [*needed_columns(manifest), LABEL, LABELLED_AT]
    key = (manifest.name, manifest.version)
    rows = await records.read(*key, window, columns, with_labels=True)
    every = sampled_records(manifest, rows.table)
    labelled = rows.table
    if rows.window_rows > every.rows and every.rows:
        inside = window if window.rows is None else _span(every.times)
        labelled = (await records.read(*key, inside, columns, with_labels=True, only_labelled=True)).table
    return combine(manifest, rows, labelled)


def combine(manifest: Manifest, rows: Rows, labelled_table: pa.Table) -> WindowSample:
    """A sample from the window's records and from those of them that have labels (others among them do not matter)."""
    every = sampled_records(manifest, rows.table)
    candidates = every if labelled_table is rows.table else sampled_records(manifest, labelled_table)
    labelled = candidates.take(_at_most(np.flatnonzero(candidates.outcomes.labelled), SCORED_ROWS))
    coverage = float(every.outcomes.labelled.mean()) if every.rows else 0.0
    return WindowSample(every, labelled, rows.window_rows, coverage, _lags(labelled), _unusable_labels(candidates))


def sampled_records(manifest: Manifest, table: pa.Table) -> SampledRecords:
    times = times_ms(table)
    order = np.argsort(times, kind="stable")
    if (order[1:] < order[:-1]).any():
        table, times = take_rows(table, order), times[order]
    return SampledRecords(table, performance_of(manifest).read(manifest, table), times)


def _span(times: Times) -> Window:
    """From the first to the last of a sample: all but about one in so many of the rows it was drawn from."""
    return Window(start_ms=int(times[0]), end_ms=int(times[-1]) + 1)


def _at_most(rows: Indices, most: int) -> Indices:
    """Some of the rows, evenly."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.intp)]


def _lags(labelled: SampledRecords) -> Floats:
    """A label that is older than its record (somebody's clock) has a lag of 0."""
    if LABELLED_AT not in labelled.table.column_names:
        return np.empty(0)
    known_ms = read_numbers(labelled.table.column(LABELLED_AT)).values * _MS_A_DAY
    lags = (known_ms - labelled.times) / 1000
    return np.maximum(lags[~np.isnan(lags)], 0.0)


def _unusable_labels(part: SampledRecords) -> int:
    """Labels that came but are no class, or no number: the collector gives no value for the latter, only their time."""
    names = part.table.column_names
    if part.outcomes.unusable_labels or not {LABEL, LABELLED_AT} <= set(names):
        return part.outcomes.unusable_labels
    without_value: int = part.table.column(LABEL).null_count
    without_label: int = part.table.column(LABELLED_AT).null_count
    return max(without_value - without_label, 0)
