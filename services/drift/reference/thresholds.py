"""Thresholds of a model version: for each column, a curve over the size of the window.

Between the sizes that were calibrated they are interpolated linearly in logarithms, in which a null distribution's
quantile is nearly a straight line (it falls with the square root of the window until the reference's own size tells).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from services.drift.reference.profiles import ColumnTest
from services.drift.reference.scores import binary_distance

LEAST_MISSING_CHANGE = 0.02
LEAST_MISSING_ROWS = 3
LEAST_LEVEL = 1e-30  # so that it has a logarithm; scores of a column in a small unit are far below 1


class Curve(msgspec.Struct, frozen=True):
    """Quantiles of the null distribution at each calibrated size: of the column's score, and of what is missing."""

    score: tuple[float, ...]
    missing: tuple[float, ...]


class Thresholds(msgspec.Struct, frozen=True):
    """`key` says what they were calibrated for (`Reference.key`); `alone`, for each size, at how many times its
    threshold one column alone is drift of the model."""

    key: str
    sizes: tuple[int, ...]
    curves: Mapping[str, Curve]
    joint: Mapping[str, Curve]
    alone: tuple[float, ...]

    def score(self, test: ColumnTest, floor: float, rows: int) -> float:
        """The score at which a window of `rows` rows has drifted in this column; `floor` is its profile's."""
        if test.threshold is not None:
            return test.threshold
        return max(floor, self._at(self.curves[test.name].score, rows))

    def alone_score(self, test: ColumnTest, threshold: float, rows: int) -> float:
        """The score at which this column is drift of the model by itself; a fixed `threshold` may be too low for it."""
        return self._at(self.alone, rows) * max(threshold, self._at(self.curves[test.name].score, rows))

    def alone_missing(self, threshold: float, rows: int) -> float:
        """As `alone_score`, of what is missing."""
        return self._at(self.alone, rows) * threshold

    def missing(self, test: ColumnTest, reference_missing: float, rows: int) -> float:
        """The distance of missing shares at which what is missing has drifted."""
        return max(missing_floor(reference_missing, rows), self._at(self.curves[test.name].missing, rows))

    def joint_score(self, name: str, floor: float, rows: int) -> float:
        """The joint score at which a window has drifted."""
        return max(floor, self._at(self.joint[name].score, rows))

    def joint_missing(self, name: str, reference_missing: float, rows: int) -> float:
        """As `missing`, of embeddings."""
        return max(missing_floor(reference_missing, rows), self._at(self.joint[name].missing, rows))

    def _at(self, values: tuple[float, ...], rows: int) -> float:
        logarithms = np.log(np.maximum(values, LEAST_LEVEL))
        return float(np.exp(np.interp(np.log(rows), np.log(self.sizes), logarithms)))


def missing_floor(reference_missing: float, rows: int) -> float:
    """Distance of a change by two points of share, or by three rows where that is more."""
    change = min(max(LEAST_MISSING_CHANGE, LEAST_MISSING_ROWS / rows), 1.0)
    changed = reference_missing + change if reference_missing + change <= 1 else reference_missing - change
    return binary_distance(reference_missing, max(changed, 0.0))
