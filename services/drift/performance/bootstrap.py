"""Resamples of rows, as weights, so that a metric of all of them is a few products of matrices.

The percentile bootstrap (Efron and Tibshirani 1993, chapter 13): a draw takes as many rows as there are, with
replacement. The same rows give the same draws.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
DRAWS = 200  # the ends of an interval are then good to a tenth of its width
SEED = 20_261_121
_LEAST_DRAWS, _DRAWN_AREAS = 20, 4_000
_CELLS = 250_000  # of one chunk of weights: they stay in the processor's cache


def resamples(rows: int, draws: int = DRAWS, seed: int = SEED) -> Iterator[Weights]:
    """Chunks (some draws, rows) of how often each row was drawn."""
    rng = np.random.default_rng(seed)
    some = max(1, _CELLS // max(rows, 1))
    for start in range(0, draws, some):
        count = min(some, draws - start)
        chosen = rng.integers(0, rows, size=(count, rows)) + np.arange(count)[:, None] * rows
        drawn = np.bincount(chosen.ravel(), minlength=count * rows)
        yield drawn.reshape(count, rows).astype(np.float64)


def draws_for(classes: int, wanted: int = DRAWS) -> int:
    """Fewer for very many classes, each of which has an area of its own, so that the cost stays bounded."""
    return min(wanted, max(_LEAST_DRAWS, _DRAWN_AREAS // classes))


def once(rows: int) -> Weights:
    """Every row once: (1, rows)."""
    return np.ones((1, rows))
