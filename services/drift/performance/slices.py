"""The watched metric in spans of the window's time, and in segments by the values of a column."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.columns import model_columns
from pilothouse.manifest import Manifest
from pilothouse.wire.performance import SegmentSlice, TimeSlice
from services.drift.arrow import MISSING, read_names, read_numbers
from services.drift.performance.intervals import Indices, watched_metric
from services.drift.performance.sample import Times, WindowSample
from services.drift.performance.task import Estimate
from services.drift.reference.profiles import CATEGORY_KINDS, OTHER
from services.drift.window import show_moment

LEAST_ROWS = 10
DRAWS = 100
MOST_SPANS = 24
ROWS_A_SPAN = 40  # about: fewer give an interval that says nothing
MOST_SEGMENTS = 12
_BANDS = (0.25, 0.5, 0.75)
_FEW_NUMBERS = 8
_MS_A_DAY = 86_400_000


def over_time(manifest: Manifest, sample: WindowSample, estimate: Estimate | None) -> list[TimeSlice]:
    """One slice for each span of the window's time."""
    found = []
    for start, end in time_spans(sample.every.times):
        every, labelled = (
            np.flatnonzero((part.times >= start) & (part.times < end)) for part in (sample.every, sample.labelled)
        )
        metric = _metric(manifest, sample, estimate, every, labelled)
        found.append(TimeSlice(start=show_moment(start), end=show_moment(end), **metric))
    return found


def by_segment(
    manifest: Manifest, sample: WindowSample, estimate: Estimate | None, name: str, reference: pa.Table | None
) -> tuple[SegmentSlice, ...]:
    """One slice for each segment of a column that has rows; the bands are the reference's, else the window's."""
    category = next((c.kind in CATEGORY_KINDS for c in model_columns(manifest) if c.name == name), False)
    tables = [t for t in (reference, sample.every.table) if t is not None and name in t.column_names]
    if not tables or name not in sample.every.table.column_names:
        return ()
    segments = segments_of(tables[0].column(name), category=category)
    positions = [_segment_codes(segments, part.table, name) for part in (sample.every, sample.labelled)]
    found = []
    for number, shown in enumerate(segments.names):
        every, labelled = (np.flatnonzero(each == number) for each in positions)
        if len(every) or len(labelled):
            metric = _metric(manifest, sample, estimate, every, labelled)
            found.append(SegmentSlice(segment=shown, **metric))
    return tuple(found)


def _segment_codes(segments: Segments, table: pa.Table, name: str) -> Indices:
    if name not in table.column_names:
        return np.full(table.num_rows, -1, dtype=np.intp)
    return segments.place(table.column(name))


def _metric(
    manifest: Manifest, sample: WindowSample, estimate: Estimate | None, every: Indices, labelled: Indices
) -> dict[str, Any]:
    """The fields of a `MetricSlice`: `every` are rows of the sample, `labelled` in its labelled part."""
    name = watched_metric(manifest)
    measured = estimated = None
    if len(labelled) >= LEAST_ROWS:
        measured = sample.labelled.outcomes.take(labelled).measure([name], DRAWS)[name].on_wire()
    if estimate is not None and len(every) >= LEAST_ROWS:
        estimated = estimate.values(every, [name], DRAWS)[name].on_wire()
    return {"rows": len(every), "labelled": len(labelled), "measured": measured, "estimated": estimated}


def time_spans(times: Times) -> list[tuple[int, int]]:
    """At most 24 equal spans of time, each a start and, not included, an end. `times` (rows,) rise.

    Of traffic that came in bursts, so that fewer than half of them would have records, they are spans of equal rows.
    """
    if not len(times):
        return []
    count = int(np.clip(len(times) // ROWS_A_SPAN, 1, MOST_SPANS))
    first, last = int(times[0]), int(times[-1])
    edges = np.unique(np.linspace(first, last + 1, count + 1).astype(np.int64))
    filled = np.count_nonzero(np.histogram(times, edges)[0]) if len(edges) > 1 else 0
    if filled < count / 2:
        cuts = times[(np.arange(1, count) * len(times)) // count]
        edges = np.unique(np.concatenate(([first], cuts, [last + 1])))
    return [(int(a), int(b)) for a, b in pairwise(edges)]


@dataclass(frozen=True)
class Segments:
    """Names of segments, and a function from a column's values to their codes (rows,); -1 is in none."""

    names: tuple[str, ...]
    place: Callable[[pa.ChunkedArray], Indices]


def segments_of(column: pa.ChunkedArray, *, category: bool) -> Segments:
    """Segments by a column of the reference: its commonest categories, or four bands between its quartiles."""
    if category:
        return _categories(read_names(column), read_names)
    values = read_numbers(column).values
    present = values[~np.isnan(values)]
    if len(np.unique(present)) <= _FEW_NUMBERS:
        return _categories(_number_names(column), _number_names)
    return _bands(np.unique(np.quantile(present, _BANDS)), pa.types.is_temporal(column.type))


def _categories(names: Sequence[str], read: Callable[[pa.ChunkedArray], list[str]]) -> Segments:
    counted = Counter(n for n in names if n != MISSING)
    kept = sorted(n for n, _ in sorted(counted.items(), key=lambda c: (-c[1], c[0]))[:MOST_SEGMENTS])
    shown = (*kept, OTHER, MISSING)
    codes = {n: i for i, n in enumerate(kept)} | {MISSING: len(kept) + 1}
    return Segments(shown, lambda c: np.array([codes.get(n, len(kept)) for n in read(c)], dtype=np.intp))


def _number_names(column: pa.ChunkedArray) -> list[str]:
    values = read_numbers(column).values.tolist()
    return [MISSING if math.isnan(v) else f"{v:.6g}" for v in values]


def _bands(edges: NDArray[np.float64], temporal: bool) -> Segments:
    said = [_show_day(e) if temporal else f"{e:.4g}" for e in edges]
    between = [f"{a} to {b}" for a, b in pairwise(said)]
    names = (f"below {said[0]}", *between, f"{said[-1]} and more", MISSING)

    def place(column: pa.ChunkedArray) -> Indices:
        values = read_numbers(column).values
        return np.where(np.isnan(values), len(names) - 1, np.searchsorted(edges, values, "right")).astype(np.intp)

    return Segments(names, place)


def _show_day(days: float) -> str:
    return (show_moment(int(days * _MS_A_DAY)) or "")[:10]
