"""Resamples of the reference's rows, as weights: a thousand windows are then one product of matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]


def resample(rng: np.random.Generator, draws: int, reference_rows: int, rows: int) -> Weights:
    """Weights (draws, reference_rows) of resamples of `rows` rows with replacement, each summing to 1."""
    chosen = rng.integers(0, reference_rows, size=(draws, rows)) + np.arange(draws)[:, None] * reference_rows
    counts = np.bincount(chosen.ravel(), minlength=draws * reference_rows).reshape(draws, reference_rows)
    return counts.astype(np.float32) / np.float32(rows)
