"""CBPE: performance of a classification from its own calibrated confidence, labels unseen.

Kivimäki et al. 2024, "Confidence-based estimators for predictive performance in model monitoring"
(doi:10.1613/jair.1.16709), and NannyML's documentation. If a calibrated model says 0.9 of a hundred rows, ninety are
right: each cell of the confusion matrix has an expectation, and so has every metric made of it. It holds under shifts
of the inputs that the reference covers, and not where the meaning of the inputs changed: see `assumption`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pilothouse.wire.performance import EstimatedSide, PerformanceReason
from services.drift.arrow import Floats
from services.drift.performance.calibrator import Calibrator, calibrate, calibrators
from services.drift.performance.class_metrics import ClassPredictions, evaluate, one_hot, why_undefined
from services.drift.performance.intervals import (
    SEED,
    Indices,
    MetricResult,
    draws_for,
    joined,
    once,
    resamples,
    with_interval,
)

METHOD: Literal["CBPE"] = "CBPE"
_CELLS = 250_000  # of one chunk of drawn labels


def unknown(reason: PerformanceReason, message: str) -> EstimatedSide:
    """Why there is no estimate."""
    return EstimatedSide(reason=reason, message=message, method=METHOD)


@dataclass(frozen=True)
class Calibrated:
    """What was learned from a reference of `rows` labelled rows."""

    fitted: Sequence[Calibrator]
    rows: int

    @classmethod
    def of(cls, scores: Floats, truth: Floats) -> Calibrated:
        """From probabilities (rows, classes) and what was true (rows, classes), 0 or 1."""
        return cls(calibrators(scores, truth), len(truth))

    def estimate(self, predictions: ClassPredictions, usable: NDArray[np.bool_], scores: Floats) -> ClassEstimate:
        """Of records with probabilities (rows, classes), NaN where a row has none."""
        known = np.where(np.isnan(scores), 1 / scores.shape[1], scores)
        return ClassEstimate(predictions, usable, calibrate(known, self.fitted), self.rows)


@dataclass(frozen=True)
class ClassEstimate:
    """`truth` (rows, classes) is how likely each class is. Satisfies `task.Estimate`."""

    predictions: ClassPredictions
    usable: NDArray[np.bool_]
    truth: Floats
    reference_rows: int

    def values(self, rows: Indices, names: Sequence[str], draws: int) -> dict[str, MetricResult]:
        """An interval is of what labels would measure on as many rows: it adds what drawing the rows leaves open to
        what drawing their labels does, and is widened because the reference is finite too."""
        rows = rows[self.usable[rows]]
        if not len(rows):
            return {name: MetricResult(None, message="no row has a prediction with probabilities") for name in names}
        predicted, truth = self.predictions.take(rows), self.truth[rows]
        every, draws = once(len(rows)), draws_for(truth.shape[1], draws)
        values = evaluate(names, predicted, truth, every)
        by_rows = [evaluate(names, predicted, truth, weights) for weights in resamples(len(rows), draws)]
        by_labels = [
            evaluate(names, predicted, labels, np.repeat(every, len(labels), axis=0))
            for labels in drawn_labels(truth, draws)
        ]
        wider = np.sqrt(1 + len(rows) / self.reference_rows)
        found = {}
        for name in names:
            value = float(values[name][0])
            spread = (_deviations(by_rows, name) + _deviations(by_labels, name)) * wider
            found[name] = with_interval(name, value, value + spread, why_undefined(name, predicted, truth))
        return found


def drawn_labels(truth: Floats, draws: int) -> Iterator[Floats]:
    """Chunks (some draws, rows, classes) of labels, 0 and 1, drawn by how likely each class is."""
    rng = np.random.default_rng(SEED)
    rows, classes = truth.shape
    steps = np.cumsum(truth, axis=1)[None, :, :-1]
    some = max(1, _CELLS // truth.size)
    for start in range(0, draws, some):
        chance = rng.random((min(some, draws - start), rows, 1))
        yield one_hot((chance > steps).sum(axis=2), classes)


def _deviations(drawn: list[Mapping[str, Floats]], name: str) -> Floats:
    """How far each draw is from their mean, (draws,)."""
    each = joined(drawn, name)
    return each - np.nanmean(each) if np.isfinite(each).any() else each
