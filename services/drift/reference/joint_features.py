"""Drift of a table's columns together: how far rows lie from where the reference's columns, moving together, put them.

PCA reconstruction error (as NannyML measures multivariate drift): the widest axes of the reference hold most of its
variance; what a row has beside them is its error. Columns that stop moving together leave the axes, though each alone
looks as before. A row's error is then a number like any other: compared by Wasserstein's distance in the reference's
standard deviations. A number counts by its rank (as a normal score), so that a long tail does not rule the axes.

Every column has mean 0 and variance 1: a category is a number for each of the commonest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from services.drift.arrow import Floats, NumberValues
from services.drift.reference.profiles import (
    CategoryProfile,
    Cleaned,
    ColumnTest,
    NullScores,
    NumberProfile,
    Profile,
    Weights,
    resample,
)

Values = Mapping[str, NDArray[Any]]
Encode = Callable[[NDArray[Any]], Floats]
LEAST_COLUMNS = 3
LEAST_ROWS = 50  # of the reference
FITTED_OF = 3  # one row of so many
KEPT_VARIANCE = 0.7
LEAST_WIDTH = 1e-6  # of a column; what is narrower does not vary
MOST_CATEGORIES = 10  # beyond the commonest, they count as one


@dataclass(frozen=True)
class FeatureProfile:
    """`axes` are learned from every third row of the reference, `errors` is the profile of the others' errors: rows lie
    nearer to what was learned from them than a window's do. (Errors by axes of several folds are no way out: where two
    axes are nearly as wide, each fold keeps another one.)"""

    profiles: Mapping[str, Profile]
    axes: Axes
    errors: NumberProfile
    missing: float = 0.0

    name: ClassVar[Literal["features"]] = "features"
    stattest: ClassVar[Literal["pca_reconstruction"]] = "pca_reconstruction"

    @classmethod
    def of(cls, profiles: Mapping[str, Profile]) -> FeatureProfile | None:
        """None when there are too few columns or rows, or none that vary."""
        values = {n: p.values for n, p in profiles.items()}
        rows = len(next(iter(values.values()), ()))
        if len(profiles) < LEAST_COLUMNS or rows < LEAST_ROWS:
            return None
        fitted = np.arange(rows) % FITTED_OF == 0
        axes = Axes.of(profiles, {n: v[fitted] for n, v in values.items()})
        errors = axes.errors({n: v[~fitted] for n, v in values.items()})
        profile = NumberProfile.of(ColumnTest(cls.name, "number", "wasserstein"), NumberValues(errors, 0.0))
        return None if profile.constant else cls(profiles, axes, profile)

    @property
    def floor(self) -> float:
        """The errors' own."""
        return self.errors.floor

    def clean(self, columns: Mapping[str, Cleaned]) -> Cleaned:
        """`values` (rows,) are the errors of a window's rows, from its cleaned columns, which it has all of."""
        errors = self.axes.errors({n: columns[n].values for n in self.profiles})
        return Cleaned(np.clip(errors, self.errors.lower, self.errors.upper), missing=0.0)

    def score(self, cleaned: Cleaned) -> float:
        return self.errors.score(cleaned)

    def null(self, rng: np.random.Generator) -> NullScores:
        """Of resamples of the rows that have an error."""
        known = len(self.errors.values)

        def scores(before: Weights, after: Weights, rows: int) -> Floats:
            first, second = (resample(rng, len(before), known, size) for size in (known, rows))
            return self.errors.null_scores(first, second, rows)

        return scores

    def null_missing(self, draws: int, rows: int, rng: np.random.Generator) -> Floats:
        """Nothing is missing of an error: a value that is missing counts as the middle one."""
        return np.zeros(draws)

    def window_rows(self, rows: int) -> int:
        return rows


@dataclass(frozen=True)
class Axes:
    """`directions` (axes, size) hold `KEPT_VARIANCE` of the variance about `middle` (size,)."""

    encoders: Mapping[str, Encode]
    middle: Floats
    directions: Floats

    @classmethod
    def of(cls, profiles: Mapping[str, Profile], values: Values) -> Axes:
        """Learned from cleaned values (rows,) of each column. There is always a direction that is left out."""
        encoders = {n: _encoder(p, values[n]) for n, p in profiles.items()}
        rows = _encode(encoders, values)
        middle = rows.mean(axis=0)
        variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(rows, rowvar=False, bias=True)))
        widest = np.argsort(variances)[::-1]
        held = np.cumsum(np.maximum(variances[widest], 0)) / max(float(np.maximum(variances, 0).sum()), 1e-30)
        kept = min(int(np.searchsorted(held, KEPT_VARIANCE)) + 1, len(middle) - 1)
        return cls(encoders, middle, np.asarray(axes[:, widest[:kept]].T))

    def errors(self, values: Values) -> Floats:
        """Distance (rows,) of each row from the directions."""
        centred = _encode(self.encoders, values) - self.middle
        inside = centred @ self.directions.T
        return np.asarray(np.sqrt(np.maximum((centred**2).sum(axis=1) - (inside**2).sum(axis=1), 0)))


def _encode(encoders: Mapping[str, Encode], values: Values) -> Floats:
    """(rows, size)."""
    return np.concatenate([encode(values[n]) for n, encode in encoders.items()], axis=1)


def _encoder(profile: Profile, values: NDArray[Any]) -> Encode:
    if isinstance(profile, CategoryProfile):
        return _category_encoder(len(profile.labels), values)
    return _number_encoder(np.sort(values[~np.isnan(values)]))


def _number_encoder(known: Floats) -> Encode:
    """Normal scores (rows, 1) among the sorted `known`; 0 for a value that is missing, and for all where `known` are
    all the same: any other value would be infinitely far away, and its error would drown those of every other row."""
    own = _normal_scores(known, known) if len(known) else np.zeros(1)
    middle, width = float(own.mean()), float(own.std())
    if width < LEAST_WIDTH:
        return lambda values: np.zeros((len(values), 1))

    def encode(values: Floats) -> Floats:
        scores = (_normal_scores(known, values) - middle) / width
        return np.where(np.isnan(values), 0.0, scores)[:, None]

    return encode


def _normal_scores(known: Floats, values: Floats) -> Floats:
    """Of the values' middle ranks among the sorted `known`, (values,)."""
    ranks = np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")
    return np.asarray(_quantiles(len(known))[ranks])


@lru_cache(maxsize=8)
def _quantiles(count: int) -> Floats:
    """Of the normal distribution at each half rank from 0 to `count`, (2 count + 1,) (after Blom 1958)."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((half / 2 + 0.125) / (count + 0.25)) for half in range(2 * count + 1)])


def _category_encoder(labels: int, codes: NDArray[np.intp]) -> Encode:
    """(rows, categories): 1 where a row is of the category, less its share, over the column's standard deviation."""
    found = np.bincount(codes, minlength=labels) / max(len(codes), 1)
    commonest = np.argsort(-found, kind="stable")[: MOST_CATEGORIES - 1]
    positions = np.full(labels, len(commonest))
    positions[commonest] = np.arange(len(commonest))
    shares = np.bincount(positions, found, len(commonest) + 1)
    width = float(np.sqrt((shares * (1 - shares)).sum()))
    table = (np.eye(len(shares)) - shares) / width if width >= LEAST_WIDTH else np.zeros((len(shares), len(shares)))
    return lambda codes: np.asarray(table[positions[codes]])
