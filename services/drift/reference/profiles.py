"""The reference's side of each column: which test compares it, and what windows are cleaned and compared with.

The manifest fixes the test for as long as the model version lives. A number is compared by Wasserstein's distance (or
Jensen-Shannon's, where the manifest says so), a category by Jensen-Shannon's. `FLOORS` are the smallest thresholds: a
tenth of a standard deviation is Evidently's own default for numbers; for categories 0.05, about seven points of a share
of one half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.columns import model_columns
from pilothouse.manifest import Manifest
from pilothouse.wire.drift import ColumnKind, Stattest
from services.drift.arrow import MISSING, Floats, NumberValues, category_name, read_names, read_numbers
from services.drift.reference.scores import FEW_VALUES, bins, jensenshannon, own_units, spread, wasserstein

Weights = NDArray[np.float32]
NullScores = Callable[[Weights, Weights, int], Floats]
"""Scores (draws,) of pairs of resamples, given by their weights; the second has so many rows."""
CATEGORY_KINDS = frozenset({"category", "boolean", "text"})
FLOORS: Mapping[Stattest, float] = {"wasserstein": 0.1, "jensenshannon": 0.05}
EXTREMES = (0.001, 0.999)
NEW = "(new)"
OTHER = "(other)"
MOST_CATEGORIES = 50


@dataclass(frozen=True, slots=True)
class ColumnTest:
    """How a column is compared. `threshold` is the manifest's own, which wins over the calibrated one."""

    name: str
    kind: ColumnKind
    stattest: Stattest
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A column of a window, cleaned. `values` are numbers (rows,) with NaN, or codes (rows,) into the profile's labels.

    The shares are of all rows: missing (unusable values among them), of a category that the reference has not, outside
    the reference's extreme quantiles, and given but of the wrong type or not finite.
    """

    values: NDArray[Any]
    missing: float
    new: float = 0.0
    out_of_range: float = 0.0
    unusable: float = 0.0


def monitored_tests(manifest: Manifest) -> tuple[ColumnTest, ...]:
    """A test for each monitored column."""
    return tuple(column_test(manifest, c.name, c.stattest, c.threshold) for c in manifest.monitored_columns)


def column_test(
    manifest: Manifest, name: str, stattest: Stattest | None = None, threshold: float | None = None
) -> ColumnTest:
    """How a column of the log is compared. Categories have one test only, whatever the manifest says."""
    kind = next(c.kind for c in model_columns(manifest) if c.name == name)
    if kind in CATEGORY_KINDS:
        return ColumnTest(name, "category", "jensenshannon", threshold)
    return ColumnTest(name, "number", stattest or "wasserstein", threshold)


def resample(rng: np.random.Generator, draws: int, reference_rows: int, rows: int) -> Weights:
    """Weights (draws, reference_rows) of resamples of `rows` rows with replacement, each summing to 1.

    A thousand windows are then one product of matrices.
    """
    chosen = rng.integers(0, reference_rows, size=(draws, rows)) + np.arange(draws)[:, None] * reference_rows
    counts = np.bincount(chosen.ravel(), minlength=draws * reference_rows).reshape(draws, reference_rows)
    return counts.astype(np.float32) / np.float32(rows)


@dataclass(frozen=True)
class NumberProfile:
    """`values` (rows,) are the reference's, clipped to `lower` and `upper`, its extreme quantiles; NaN is missing.

    Clipping takes an outlier's leverage away, and what lies beyond still counts: it piles up at the edge.
    """

    test: ColumnTest
    values: Floats
    lower: float
    upper: float

    @classmethod
    def of(cls, test: ColumnTest, read: NumberValues) -> NumberProfile:
        present = read.values[~np.isnan(read.values)]
        lower, upper = np.quantile(present, EXTREMES) if len(present) else (np.nan, np.nan)
        return cls(test, np.clip(read.values, lower, upper), float(lower), float(upper))

    @cached_property
    def present(self) -> Floats:
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
        in_units = self.test.stattest == "wasserstein" and len(self.present)
        return FLOORS[self.test.stattest] * (own_units(self.present) if in_units else 1.0)

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
        if self.test.stattest == "wasserstein":
            return wasserstein(self.present, current)
        edges = bins(self.present, len(current))
        return float(jensenshannon(_histogram(self.present, edges), _histogram(current, edges)))

    def null_scores(self, before: Weights, after: Weights, rows: int) -> NDArray[np.float64]:
        """Scores (draws,) of pairs of resamples of the reference, given by weights (draws, reference rows) that sum
        to 1; the second has `rows` rows."""
        if not len(self.present):
            return np.zeros(len(before))
        first, second = _normalised(before[:, self._order]), _normalised(after[:, self._order])
        if self.test.stattest == "jensenshannon":
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


def _histogram(values: Floats, edges: Floats) -> Floats:
    return np.histogram(values, edges)[0] / len(values)


def _normalised(weights: Weights) -> Weights:
    """Weights of the rows that have a value; all 0 stay so."""
    total = weights.sum(axis=1, keepdims=True)
    np.divide(weights, total, out=weights, where=total > 0)
    return weights


ReadNames = Callable[[pa.ChunkedArray], tuple[list[str], float]]


@dataclass(frozen=True)
class CategoryProfile:
    """`values` (rows,) are positions in `labels`: the reference's categories, then other, new and missing.

    Beyond the commonest fifty, categories count as one: so many shares from so few rows would be mostly noise.
    """

    test: ColumnTest
    values: NDArray[np.intp]
    labels: tuple[str, ...]
    positions: dict[str, int]
    read: ReadNames

    @classmethod
    def of(cls, test: ColumnTest, column: pa.ChunkedArray, read: ReadNames) -> CategoryProfile:
        names, _ = read(column)
        counts = Counter(n for n in names if n != MISSING)
        kept = sorted(name for name, _ in sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:MOST_CATEGORIES])
        labels = (*kept, OTHER, NEW, MISSING)
        positions = dict.fromkeys(counts, len(kept)) | {n: i for i, n in enumerate(kept)} | {MISSING: len(labels) - 1}
        codes = np.array([positions[n] for n in names], dtype=np.intp)
        return cls(test, codes, labels, positions, read)

    @property
    def floor(self) -> float:
        """The smallest threshold."""
        return FLOORS[self.test.stattest]

    @property
    def missing(self) -> float:
        return float((self.values == len(self.labels) - 1).mean())

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        return self._shares(self.values)

    def clean(self, column: pa.ChunkedArray) -> Cleaned:
        names, unusable = self.read(column)
        new = len(self.labels) - 2
        codes = np.array([self.positions.get(n, new) for n in names], dtype=np.intp)
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
        return np.eye(len(self.labels), dtype=np.float32)[self.values]

    def _shares(self, codes: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.bincount(codes, minlength=len(self.labels)) / len(codes)


def read_categories(column: pa.ChunkedArray) -> tuple[list[str], float]:
    return read_names(column), 0.0


def read_numbers_as_categories(column: pa.ChunkedArray) -> tuple[list[str], float]:
    """Each different number a category of its own: for numbers that take one value, or few."""
    read = read_numbers(column)
    return [category_name(v) for v in read.values.tolist()], read.unusable


Profile = NumberProfile | CategoryProfile


def build_profile(test: ColumnTest, column: pa.ChunkedArray) -> Profile:
    """The profile of one column. A number that hardly varies, or takes few values where histograms are compared, is
    compared as categories: clipped to its extreme quantiles it would be blind."""
    if test.kind == "category":
        return CategoryProfile.of(test, column, read_categories)
    profile = NumberProfile.of(test, read_numbers(column))
    few = test.stattest == "jensenshannon" and len(np.unique(profile.present)) <= FEW_VALUES
    if not profile.constant and not few:
        return profile
    as_category = ColumnTest(test.name, "category", "jensenshannon", test.threshold)
    return CategoryProfile.of(as_category, column, read_numbers_as_categories)
