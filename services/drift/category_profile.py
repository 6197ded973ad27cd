"""The reference's side of a column of categories, and of a number that hardly varies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.drift.comparison import FLOORS, Cleaned, Comparison
from services.drift.scores import jensenshannon
from services.drift.values import MISSING, category_name, read_names, read_numbers

NEW = "(new)"
OTHER = "(other)"
MOST_CATEGORIES = 50
Weights = NDArray[np.float32]
Read = Callable[[pa.ChunkedArray], tuple[list[str], float]]


@dataclass(frozen=True)
class CategoryProfile:
    """`codes` (rows,) are places in `labels`: the reference's categories, then other, new and missing.

    Beyond the commonest fifty, categories count as one: so many shares from so few rows would be mostly noise.
    """

    comparison: Comparison
    codes: NDArray[np.intp]
    labels: tuple[str, ...]
    places: dict[str, int]
    read: Read

    @classmethod
    def of(cls, comparison: Comparison, column: pa.ChunkedArray, read: Read) -> CategoryProfile:
        names, _ = read(column)
        counts = Counter(n for n in names if n != MISSING)
        kept = sorted(name for name, _ in sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:MOST_CATEGORIES])
        labels = (*kept, OTHER, NEW, MISSING)
        places = dict.fromkeys(counts, len(kept)) | {n: i for i, n in enumerate(kept)} | {MISSING: len(labels) - 1}
        codes = np.array([places[n] for n in names], dtype=np.intp)
        return cls(comparison, codes, labels, places, read)

    @property
    def floor(self) -> float:
        """The smallest threshold."""
        return FLOORS[self.comparison.method]

    @property
    def missing(self) -> float:
        return float((self.codes == len(self.labels) - 1).mean())

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        return self._shares(self.codes)

    def clean(self, column: pa.ChunkedArray) -> Cleaned:
        names, unusable = self.read(column)
        new = len(self.labels) - 2
        codes = np.array([self.places.get(n, new) for n in names], dtype=np.intp)
        return Cleaned(
            codes,
            missing=float((codes == len(self.labels) - 1).mean()),
            new=float((codes == new).mean()),
            unusable=unusable,
        )

    def score(self, cleaned: Cleaned) -> float:
        return float(jensenshannon(self.shares, self._shares(cleaned.values)))

    def null_scores(self, before: Weights, after: Weights, rows: int) -> NDArray[np.float64]:
        """As `NumberProfile.null_scores`."""
        return jensenshannon(before @ self._membership, after @ self._membership)

    @cached_property
    def _membership(self) -> Weights:
        """(rows, labels) 1 where the row is of that category."""
        return np.eye(len(self.labels), dtype=np.float32)[self.codes]

    def _shares(self, codes: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.bincount(codes, minlength=len(self.labels)) / len(codes)


def read_categories(column: pa.ChunkedArray) -> tuple[list[str], float]:
    return read_names(column), 0.0


def read_numbers_as_categories(column: pa.ChunkedArray) -> tuple[list[str], float]:
    """Each different number a category of its own: for numbers that take one value, or few."""
    read = read_numbers(column)
    return [category_name(v) for v in read.values.tolist()], read.unusable
