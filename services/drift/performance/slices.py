"""The watched metric over time, and by the values of a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.columns import model_columns
from pilothouse.manifest import Manifest
from services.drift.performance.appraisal import Slice
from services.drift.performance.buckets import Segments, segments_of, stretches
from services.drift.performance.estimate import Estimate
from services.drift.performance.metric import Value, watched
from services.drift.performance.sample import Sample
from services.drift.performance.scoring import measure
from services.drift.window import show_moment

LEAST_ROWS = 10
DRAWS = 100
_CATEGORIES = frozenset({"category", "boolean", "text"})
Rows = NDArray[np.intp]


def over_time(manifest: Manifest, sample: Sample, estimate: Estimate | None) -> list[Slice]:
    """One slice for each stretch of the window."""
    found = []
    for span in stretches(sample.every.times):
        every, labelled = (
            np.flatnonzero((part.times >= span.start_ms) & (part.times < span.end_ms))
            for part in (sample.every, sample.labelled)
        )
        name = {"from": show_moment(span.start_ms), "to": show_moment(span.end_ms)}
        found.append(_slice(manifest, sample, estimate, name, (every, labelled)))
    return found


def by_segment(
    manifest: Manifest, sample: Sample, estimate: Estimate | None, name: str, reference: pa.Table | None
) -> list[Slice]:
    """One slice for each segment of a column that has rows; the bands are the reference's, else the window's."""
    category = next((c.kind in _CATEGORIES for c in model_columns(manifest) if c.name == name), False)
    tables = [t for t in (reference, sample.every.table) if t is not None and name in t.column_names]
    if not tables or name not in sample.every.table.column_names:
        return []
    segments = segments_of(tables[0].column(name), category=category)
    places = [_places(segments, part.table, name) for part in (sample.every, sample.labelled)]
    found = []
    for number, shown in enumerate(segments.names):
        every, labelled = (np.flatnonzero(each == number) for each in places)
        if len(every) or len(labelled):
            found.append(_slice(manifest, sample, estimate, {"segment": shown}, (every, labelled)))
    return found


def _places(segments: Segments, table: pa.Table, name: str) -> Rows:
    if name not in table.column_names:
        return np.full(table.num_rows, -1, dtype=np.intp)
    return segments.place(table.column(name))


def _slice(
    manifest: Manifest, sample: Sample, estimate: Estimate | None, name: Mapping[str, Any], rows: tuple[Rows, Rows]
) -> Slice:
    """`rows` are places in the sample, and in its labelled part."""
    every, some = rows
    metrics: Sequence[str] = (watched(manifest),)
    measured: Value | None = None
    estimated: Value | None = None
    if len(some) >= LEAST_ROWS:
        measured = measure(sample.labelled.outcomes.take(some), metrics, DRAWS)[metrics[0]]
    if estimate is not None and len(every) >= LEAST_ROWS:
        estimated = estimate.values(every, metrics, DRAWS)[metrics[0]]
    return Slice(name, len(every), len(some), measured, estimated)
