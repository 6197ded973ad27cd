"""Metrics of a regression, of all resamples at once. An error is prediction less truth, in the target's unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_CONSTANT = 1e-12  # share of the truth's square below which its variance is rounding


def evaluate(names: Sequence[str], predicted: Floats, truth: Floats, weights: Floats) -> Mapping[str, Floats]:
    """Each metric of each draw, (draws,), for predictions and truth (rows,); NaN where it is not defined."""
    total = weights.sum(axis=1)
    error = predicted - truth
    squared = weights @ error**2 / total
    found = {"mae": weights @ np.abs(error) / total, "rmse": np.sqrt(squared), "bias": weights @ error / total}
    found["r2"] = _explained(squared, truth, weights, total)
    found["mape"] = np.full(len(weights), np.nan)
    if (truth != 0).all():
        with np.errstate(over="ignore"):  # of a label that is next to nothing
            found["mape"] = weights @ np.abs(error / truth) / total
    return {name: found[name] for name in names}


def _explained(squared: Floats, truth: Floats, weights: Floats, total: Floats) -> Floats:
    centred = truth - truth.mean()
    spread = weights @ centred**2 / total - (weights @ centred / total) ** 2
    constant = spread <= _CONSTANT * max(float(np.mean(truth**2)), 1e-300)
    return np.where(constant, np.nan, 1 - squared / np.where(constant, 1.0, spread))


def why_undefined(name: str, truth: Floats) -> str | None:
    if name == "r2" and len(truth) and np.ptp(truth) <= np.sqrt(_CONSTANT) * max(float(np.abs(truth).max()), 1e-150):
        return "all labels are the same, so there is nothing to explain"
    if name == "mape" and (truth == 0).any():
        return "some labels are 0, of which there is no percentage"
    return None
