"""The reference's side of a numeric column: what windows are clipped to and compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.drift.comparison import FLOORS, Cleaned, Comparison
from services.drift.scores import Numbers, bins, jensenshannon, own_units, spread, wasserstein
from services.drift.values import NumberValues, read_numbers

EXTREMES = (0.001, 0.999)
Weights = NDArray[np.float32]


@dataclass(frozen=True)
class NumberProfile:
    """`values` (rows,) are the reference's, clipped to `lower` and `upper`, its extreme quantiles; NaN is missing.

    Clipping takes an outlier's leverage away, and what lies beyond still counts: it piles up at the edge.
    """

    comparison: Comparison
    values: Numbers
    lower: float
    upper: float

    @classmethod
    def of(cls, comparison: Comparison, read: NumberValues) -> NumberProfile:
        present = read.values[~np.isnan(read.values)]
        lower, upper = np.quantile(present, EXTREMES) if len(present) else (np.nan, np.nan)
        return cls(comparison, np.clip(read.values, lower, upper), float(lower), float(upper))

    @cached_property
    def present(self) -> Numbers:
        """The values that are there, sorted."""
        return np.sort(self.values[~np.isnan(self.values)])

    @property
    def missing(self) -> float:
        return 1 - len(self.present) / len(self.values)

    @property
    def constant(self) -> bool:
        """Clipping would leave one value: such a column is compared as categories instead."""
        return len(self.present) > 0 and self.lower == self.upper

    @cached_property
    def floor(self) -> float:
        """The smallest threshold: a tenth of a standard deviation, also where the score is given in larger units."""
        in_units = self.comparison.method == "wasserstein" and len(self.present)
        return FLOORS[self.comparison.method] * (own_units(self.present) if in_units else 1.0)

    def clean(self, column: pa.ChunkedArray) -> Cleaned:
        read = read_numbers(column)
        given = ~np.isnan(read.values)
        beyond = given & ((read.values < self.lower) | (read.values > self.upper))
        return Cleaned(
            np.clip(read.values, self.lower, self.upper),
            missing=1 - float(given.mean()),
            out_of_range=float(beyond.mean()),
            unusable=read.unusable,
        )

    def score(self, cleaned: Cleaned) -> float:
        """0 when either side has no values: then only what is missing tells."""
        current = cleaned.values[~np.isnan(cleaned.values)]
        if not len(current) or not len(self.present):
            return 0.0
        if self.comparison.method == "wasserstein":
            return wasserstein(self.present, current)
        edges = bins(self.present, len(current))
        return float(jensenshannon(_histogram(self.present, edges), _histogram(current, edges)))

    def null_scores(self, before: Weights, after: Weights, rows: int) -> NDArray[np.float64]:
        """Scores (draws,) of pairs of resamples of the reference, given by weights (draws, reference rows) that sum
        to 1; the second has `rows` rows."""
        if not len(self.present):
            return np.zeros(len(before))
        first, second = _normalised(before[:, self._order]), _normalised(after[:, self._order])
        if self.comparison.method == "jensenshannon":
            starts = self._bin_starts(rows)
            return jensenshannon(np.add.reduceat(first, starts, axis=1), np.add.reduceat(second, starts, axis=1))
        second -= first
        np.cumsum(second, axis=1, out=second)
        np.abs(second, out=second)
        return np.asarray(second[:, :-1] @ self._gaps, dtype=np.float64)

    def missing_flags(self) -> Weights:
        """(rows,) 1 where the reference has no value."""
        return np.isnan(self.values).astype(np.float32)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        """Rows that have a value, in the order of their values."""
        return np.argsort(self.values, kind="stable")[: len(self.present)]

    @cached_property
    def _gaps(self) -> Weights:
        return (np.diff(self.present) / spread(self.present)).astype(np.float32)

    def _bin_starts(self, rows: int) -> NDArray[np.intp]:
        """Where each bin that has reference values begins among them; the others are empty in every resample."""
        edges = bins(self.present, rows)
        return np.unique(np.searchsorted(self.present, edges[:-1], "left"))


def _histogram(values: Numbers, edges: Numbers) -> Numbers:
    return np.histogram(values, edges)[0] / len(values)


def _normalised(weights: Weights) -> Weights:
    """Weights of the rows that have a value; all 0 stay so."""
    total = weights.sum(axis=1, keepdims=True)
    np.divide(weights, total, out=weights, where=total > 0)
    return weights
