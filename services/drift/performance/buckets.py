"""How a window is divided, in time and by the values of a column."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.drift.performance.sample import Times
from services.drift.values import MISSING, read_names, read_numbers
from services.drift.window import show_moment

MOST_BUCKETS = 24
ROWS_A_BUCKET = 40  # about: fewer give an interval that says nothing
MOST_SEGMENTS = 12
OTHER = "(other)"
_BANDS = (0.25, 0.5, 0.75)
_FEW_NUMBERS = 8
_MS_A_DAY = 86_400_000
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Stretch:
    """From `start_ms` up to, not including, `end_ms`; the last one includes its end."""

    start_ms: int
    end_ms: int


def stretches(times: Times) -> list[Stretch]:
    """At most 24 equal spans of time; of traffic that came in bursts, so that fewer than half of them would have
    records, spans of equal rows. `times` (rows,) rise."""
    if not len(times):
        return []
    count = int(np.clip(len(times) // ROWS_A_BUCKET, 1, MOST_BUCKETS))
    first, last = int(times[0]), int(times[-1])
    edges = np.unique(np.linspace(first, last + 1, count + 1).astype(np.int64))
    filled = np.count_nonzero(np.histogram(times, edges)[0]) if len(edges) > 1 else 0
    if filled < count / 2:
        cuts = times[(np.arange(1, count) * len(times)) // count]
        edges = np.unique(np.concatenate(([first], cuts, [last + 1])))
    return [Stretch(int(a), int(b)) for a, b in pairwise(edges)]


@dataclass(frozen=True)
class Segments:
    """Names of segments, and a function from a column's values to their places (rows,); -1 is in none."""

    names: tuple[str, ...]
    place: Callable[[pa.ChunkedArray], Codes]


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
    places = {n: i for i, n in enumerate(kept)} | {MISSING: len(kept) + 1}
    return Segments(shown, lambda c: np.array([places.get(n, len(kept)) for n in read(c)], dtype=np.intp))


def _number_names(column: pa.ChunkedArray) -> list[str]:
    values = read_numbers(column).values.tolist()
    return [MISSING if math.isnan(v) else f"{v:.6g}" for v in values]


def _bands(edges: NDArray[np.float64], temporal: bool) -> Segments:
    said = [_show_day(e) if temporal else f"{e:.4g}" for e in edges]
    between = [f"{a} to {b}" for a, b in pairwise(said)]
    names = (f"below {said[0]}", *between, f"{said[-1]} and more", MISSING)

    def place(column: pa.ChunkedArray) -> Codes:
        values = read_numbers(column).values
        return np.where(np.isnan(values), len(names) - 1, np.searchsorted(edges, values, "right")).astype(np.intp)

    return Segments(names, place)


def _show_day(days: float) -> str:
    return (show_moment(int(days * _MS_A_DAY)) or "")[:10]
