"""CBPE: performance of a classification from its own calibrated confidence, labels unseen.

Kivimäki et al. 2024, "Confidence-based estimators for predictive performance in model monitoring"
(doi:10.1613/jair.1.16709), and NannyML's documentation. If a calibrated model says 0.9 of a hundred rows, ninety are
right: each cell of the confusion matrix has an expectation, and so has every metric made of it. It holds under shifts
of the inputs that the reference covers, and not where the meaning of the inputs changed: see `familiarity`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.drift.performance.appraisal import Side
from services.drift.performance.bootstrap import SEED, draws_for, once, resamples
from services.drift.performance.calibrator import Calibrator, calibrate, calibrators
from services.drift.performance.classification import Predicted, evaluate, one_hot, why_undefined
from services.drift.performance.metric import Value, bounded
from services.drift.performance.outcomes import Classes

Floats = NDArray[np.float64]
METHOD = "CBPE"
_CELLS = 250_000  # of one chunk of drawn labels


@dataclass(frozen=True)
class Calibrated:
    """What was learned from a reference of `rows` labelled rows."""

    fitted: Sequence[Calibrator]
    rows: int

    def estimate(self, outcomes: Classes) -> ClassEstimate:
        assert outcomes.scores is not None
        usable = np.where(np.isnan(outcomes.scores), 1 / outcomes.scores.shape[1], outcomes.scores)
        return ClassEstimate(outcomes, calibrate(usable, self.fitted), self.rows)


def learn(reference: Classes) -> Calibrated | Side:
    """Calibrate on the reference's labels; or why that cannot be."""
    labelled = reference.take(np.flatnonzero(reference.labelled))
    if reference.scores is None or labelled.scores is None:
        return Side("unknown", "no-probabilities", "the reference has no probabilities to estimate from", method=METHOD)
    if not len(labelled.truth):
        return Side("unknown", "reference-unlabelled", "the reference has no labels to learn from", method=METHOD)
    truth = one_hot(labelled.truth, len(labelled.names))
    return Calibrated(calibrators(labelled.scores, truth), len(truth))


@dataclass(frozen=True)
class ClassEstimate:
    """`truth` (rows, classes) is how likely each class is. Satisfies `estimate.Estimate`."""

    outcomes: Classes
    truth: Floats
    reference_rows: int

    def values(self, rows: NDArray[np.intp], names: Sequence[str], draws: int) -> dict[str, Value]:
        """An interval is of what labels would measure on as many rows: it adds what drawing the rows leaves open to
        what drawing their labels does, and is widened because the reference is finite too."""
        rows = rows[self.outcomes.usable[rows]]
        if not len(rows):
            return {name: Value(None, message="no row has a prediction with probabilities") for name in names}
        predicted, truth = Predicted.of(self.outcomes.take(rows)), self.truth[rows]
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
            found[name] = bounded(name, value, value + spread, why_undefined(name, predicted, truth))
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


def _deviations(drawn: Sequence[Mapping[str, Floats]], name: str) -> Floats:
    """How far each draw is from their mean, (draws,)."""
    each = np.concatenate([np.empty(0), *(d[name] for d in drawn)])
    return each - np.nanmean(each) if np.isfinite(each).any() else each
