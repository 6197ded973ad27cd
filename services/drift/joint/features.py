"""Drift of a table's columns together: how far rows lie from where the reference's columns, moving together, put them.

PCA reconstruction error (as NannyML measures multivariate drift): the widest axes of the reference hold most of its
variance; what a row has beside them is its error. Columns that stop moving together leave the axes, though each alone
looks as before. A row's error is then a number like any other: compared by Wasserstein's distance in the reference's
standard deviations. A number counts by its rank (as a normal score), so that a long tail does not rule the axes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from services.drift.category_profile import CategoryProfile
from services.drift.comparison import Cleaned, Comparison
from services.drift.joint.axes import Axes, Profile
from services.drift.number_profile import NumberProfile
from services.drift.resampling import resample
from services.drift.values import NumberValues

Weights = NDArray[np.float32]
Draws = NDArray[np.float64]
NullScores = Callable[[Weights, Weights, int], Draws]
LEAST_COLUMNS = 3
LEAST_ROWS = 50  # of the reference
FITTED_OF = 3  # one row of so many


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
    stattest: ClassVar[str] = "pca_reconstruction"

    @classmethod
    def of(cls, profiles: Mapping[str, Profile]) -> FeatureProfile | None:
        """None when there are too few columns or rows, or none that vary."""
        values = {n: p.codes if isinstance(p, CategoryProfile) else p.values for n, p in profiles.items()}
        rows = len(next(iter(values.values()), ()))
        if len(profiles) < LEAST_COLUMNS or rows < LEAST_ROWS:
            return None
        fitted = np.arange(rows) % FITTED_OF == 0
        axes = Axes.of(profiles, {n: v[fitted] for n, v in values.items()})
        errors = axes.errors({n: v[~fitted] for n, v in values.items()})
        profile = NumberProfile.of(Comparison(cls.name, "number", "wasserstein"), NumberValues(errors, 0.0))
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

        def scores(before: Weights, after: Weights, rows: int) -> Draws:
            first, second = (resample(rng, len(before), known, size) for size in (known, rows))
            return self.errors.null_scores(first, second, rows)

        return scores

    def null_missing(self, draws: int, rows: int, rng: np.random.Generator) -> Draws:
        """Nothing is missing of an error: a value that is missing counts as the middle one."""
        return np.zeros(draws)

    def window_rows(self, rows: int) -> int:
        return rows
