"""The performance of a classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from pilothouse.wire.performance import ConfusionMatrix, EstimatedSide, ReliabilityBin
from services.drift.arrow import MISSING, Floats, category_name, read_names, read_numbers
from services.drift.performance import cbpe
from services.drift.performance.class_metrics import ClassPredictions, evaluate, one_hot, why_undefined
from services.drift.performance.intervals import DRAWS, Indices, MetricResult, bootstrap, draws_for
from services.drift.performance.task import Estimate, Lesson, Method
from services.drift.records import LABEL

BINS = 10
MOST_CLASSES = 30  # a larger matrix cannot be read
_LEAST_SUM = 1e-6


@dataclass(frozen=True)
class ClassOutcomes:
    """Rows of a classification. `predicted` and `truth` (rows,) are positions in the classes, -1 for none; `scores`
    (rows, classes) are the probabilities as logged, NaN where they were not, or None without any. `positive`: the
    second class is the positive one."""

    predicted: Indices
    truth: Indices
    scores: Floats | None
    positive: bool
    names: tuple[str, ...]
    unusable_labels: int

    @property
    def labelled(self) -> NDArray[np.bool_]:
        return (self.truth >= 0) & self.usable

    @property
    def usable(self) -> NDArray[np.bool_]:
        given = self.predicted >= 0
        return given if self.scores is None else given & ~np.isnan(self.scores).any(axis=1)

    @property
    def predictions(self) -> ClassPredictions:
        return ClassPredictions(self.predicted, self.scores, len(self.names), self.positive)

    def take(self, rows: NDArray[Any]) -> ClassOutcomes:
        scores = None if self.scores is None else self.scores[rows]
        return replace(self, predicted=self.predicted[rows], truth=self.truth[rows], scores=scores)

    def measure(self, names: Sequence[str], draws: int = DRAWS) -> dict[str, MetricResult]:
        """As `task.Outcomes.measure`."""
        predictions, truth = self.predictions, one_hot(self.truth, len(self.names))
        why = {name: why_undefined(name, predictions, truth) for name in names}

        def metrics(weights: Floats) -> Mapping[str, Floats]:
            return evaluate(names, predictions, truth, weights)

        return bootstrap(metrics, len(truth), why, draws_for(len(self.names), draws))

    def curves(self) -> dict[str, Any]:
        return {"confusion": confusion_matrix(self), "calibration": reliability(self)}


class ClassificationPerformance:
    """Satisfies `task.TaskPerformance`. Without labels, the model's own calibrated confidence says what to expect."""

    method: Method = cbpe.METHOD
    unfamiliar_limit = 0.375  # when rows are strange, the model says so itself, by its confidence
    label_words = "no class of this model"

    def read(self, manifest: Manifest, table: pa.Table) -> ClassOutcomes:
        classes = manifest.output.classes or ()
        truth, strange = _codes(table, LABEL, classes)
        predicted, _ = _codes(table, "prediction", classes)
        positive = task_of(manifest).has_positive_class
        return ClassOutcomes(predicted, truth, _scores(manifest, table), positive, tuple(classes), strange)

    def learn(self, manifest: Manifest, reference: pa.Table, key: str) -> Lesson | EstimatedSide:
        outcomes = self.read(manifest, reference)
        labelled = outcomes.take(np.flatnonzero(outcomes.labelled))
        if labelled.scores is None:
            return cbpe.unknown("no-probabilities", "the reference has no probabilities to estimate from")
        if not len(labelled.truth):
            return cbpe.unknown("reference-unlabelled", "the reference has no labels to learn from")
        truth = one_hot(labelled.truth, len(labelled.names))
        calibrated = cbpe.Calibrated.of(labelled.scores, truth)

        def estimate(table: pa.Table, given: ClassOutcomes, model: object) -> Estimate | EstimatedSide:
            if given.scores is None:
                return cbpe.unknown("no-probabilities", "the records have no probabilities")
            return calibrated.estimate(given.predictions, given.usable, given.scores)

        return Lesson(estimate)


def _codes(table: pa.Table, name: str, classes: tuple[str, ...]) -> tuple[Indices, int]:
    """Indices in the classes (rows,), and how many were given that are none of them."""
    if name not in table.column_names:
        return np.full(table.num_rows, -1, dtype=np.intp), 0
    positions = {category_name(c): i for i, c in enumerate(classes)}
    names = read_names(table.column(name))
    codes = np.array([positions.get(n, -1) for n in names], dtype=np.intp)
    return codes, int((codes == -1).sum()) - sum(n == MISSING for n in names)


def _scores(manifest: Manifest, table: pa.Table) -> Floats | None:
    """Probabilities (rows, classes), each row summing to 1; None when a class has no column, or no row has them."""
    names = manifest.probability_columns
    if not set(names) <= set(table.column_names):
        return None
    raw = np.stack([read_numbers(table.column(n)).values for n in names], axis=1)
    raw[(raw < 0).any(axis=1) | (raw > 1 + _LEAST_SUM).any(axis=1)] = np.nan
    total = raw.sum(axis=1, keepdims=True)
    raw[total[:, 0] < _LEAST_SUM] = np.nan
    scores: Floats = raw / np.where(total < _LEAST_SUM, 1.0, total)
    return scores if (~np.isnan(scores).any(axis=1)).any() else None


def confusion_matrix(outcomes: ClassOutcomes) -> ConfusionMatrix | None:
    """`counts[true][predicted]` of labelled rows; None for more classes than a person can read."""
    classes = len(outcomes.names)
    if classes > MOST_CLASSES:
        return None
    cells = np.bincount(outcomes.truth * classes + outcomes.predicted, minlength=classes * classes)
    return ConfusionMatrix(classes=list(outcomes.names), counts=cells.reshape(classes, classes).tolist())


def reliability(outcomes: ClassOutcomes) -> tuple[ReliabilityBin, ...] | None:
    """How often what was predicted with some probability was true, in bins of equal rows.

    Of a binary model the probability of the positive class; of several classes that of the predicted one. Rows with
    the same probability stay together.
    """
    if outcomes.scores is None or not len(outcomes.truth):
        return None
    if outcomes.positive:
        probability, came = outcomes.scores[:, 1], outcomes.truth == 1
    else:
        probability, came = outcomes.scores.max(axis=1), outcomes.truth == outcomes.scores.argmax(axis=1)
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, probability, "right")
    return tuple(
        ReliabilityBin(predicted=float(probability[at].mean()), observed=float(came[at].mean()), rows=int(at.sum()))
        for at in (bins == b for b in np.unique(bins))
    )
