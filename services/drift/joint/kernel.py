"""The maximum mean discrepancy of two samples (Gretton et al. 2012, JMLR 13) with a Gaussian kernel, by random Fourier
features (Rahimi and Recht 2007): the kernel's mean of a sample is then a mean of vectors, so that a score costs one
pass over the window, and a thousand resamples one product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.drift.projection import SEED, Rows

FREQUENCIES = 256
BANDWIDTH_ROWS = 500


@dataclass(frozen=True)
class Kernel:
    """`frequencies` (size, FREQUENCIES): a cosine and a sine of each are the features of a row."""

    frequencies: Rows

    @classmethod
    def of(cls, rows: Rows) -> Kernel:
        """With the median distance between some of the rows (rows, size) as its width (Gretton et al., section 8)."""
        some = rows[np.linspace(0, len(rows) - 1, min(len(rows), BANDWIDTH_ROWS)).astype(int)].astype(np.float64)
        lengths = (some**2).sum(axis=1)
        squares = lengths[:, None] + lengths - 2 * some @ some.T
        median = float(np.median(squares[np.triu_indices(len(some), 1)])) if len(some) > 1 else 1.0
        drawn = np.random.default_rng(SEED).normal(size=(rows.shape[1], FREQUENCIES))
        return cls((drawn / np.sqrt(max(median, 1e-12) / 2)).astype(np.float32))

    def features(self, rows: Rows) -> Rows:
        """(rows, 2 * FREQUENCIES); every row has length 1."""
        angles = rows @ self.frequencies
        waves = np.concatenate((np.cos(angles), np.sin(angles)), axis=1)
        return np.asarray(waves / np.sqrt(FREQUENCIES), np.float32)


def spread(features: Rows) -> float:
    """How far rows lie from their mean: the unit in which the discrepancy is given. The same in other words: a
    window of the reference's own rows is 1 / sqrt(rows) away from it on average."""
    middle = features.mean(axis=0, dtype=np.float64)
    return float(np.sqrt(max(1 - middle @ middle, 1e-12)))


def discrepancy(before: NDArray[np.floating], after: NDArray[np.floating]) -> NDArray[np.float64]:
    """Distance of means (..., features)."""
    return np.asarray(np.linalg.norm(np.asarray(before, np.float64) - after, axis=-1), np.float64)
