"""DLE: performance of a regression from a model of its errors, labels unseen.

Direct loss estimation, as NannyML describes it: on the reference, whose labels are known, a second model learns from
the inputs and the prediction how large the error is; of a window's rows its mean is the expected MAE. Here it learns
the absolute, the squared, the relative and the signed error, so that RMSE, MAPE and R² follow too: the truth is the
prediction less the signed error, so its variance is known from both. Bias is not estimated: what the model gets wrong
everywhere at once is what no reference can foretell (sales of 1997: 17 measured, -2 estimated).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.columns import model_columns
from pilothouse.manifest import Manifest
from pilothouse.wire.performance import EstimatedSide, PerformanceReason
from services.drift.arrow import Floats, Vectors, read_names, read_numbers
from services.drift.performance.intervals import SEED, Indices, MetricResult, joined, once, resamples, with_interval
from services.drift.performance.loss_model import LossModel, build_fit, predict
from services.drift.performance.task import Lesson
from services.drift.reference.profiles import CATEGORY_KINDS

METHOD: Literal["DLE"] = "DLE"
LEAST_ROWS = 200  # labelled rows of a reference from which errors can be learned
MOST_CATEGORIES = 20  # of one column; the rest count as none of these
_LARGEST = float(np.finfo(np.float32).max)
_NO_BIAS = "an error that all rows share cannot be seen without labels"
_NO_PERCENTAGE = "some labels of the reference are 0, of which there is no percentage"


def unknown(reason: PerformanceReason, message: str) -> EstimatedSide:
    """Why there is no estimate."""
    return EstimatedSide(reason=reason, message=message, method=METHOD)


def learn(
    manifest: Manifest, reference: pa.Table, labelled: Indices, outcomes: tuple[Floats, Floats], key: str
) -> Lesson | EstimatedSide:
    """What the worker is to fit; or why nothing can be. `labelled` are the rows of the reference that have a label,
    `outcomes` what was predicted and what was true of them."""
    if not len(labelled):
        return unknown("reference-unlabelled", "the reference has no labels to learn from")
    if len(labelled) < LEAST_ROWS:
        message = f"the reference has {len(labelled)} labels; errors are learned from {LEAST_ROWS} on"
        return unknown("reference-unlabelled", message)
    encoding = FeatureEncoding.of(manifest, reference)

    def estimate(table: pa.Table, given: Any, model: LossModel | None) -> LossEstimate | EstimatedSide:
        assert model is not None
        return _estimate(encoding, model, table, given.predicted)

    return Lesson(estimate, build_fit(key, encoding.matrix(reference)[labelled], _losses(*outcomes)))


def _estimate(
    encoding: FeatureEncoding, model: LossModel, table: pa.Table, predicted: Floats
) -> LossEstimate | EstimatedSide:
    missing = [n for n in encoding.names if n not in table.column_names]
    if missing:
        message = f"the records do not have {', '.join(missing[:5])}, which errors were learned from"
        return unknown("no-predictions", message)
    matrix = encoding.matrix(table)
    expected = {name: predict(trees, matrix) for name, trees in model.losses.items()}
    scatter = {name: trees.scatter for name, trees in model.losses.items()}
    return LossEstimate(predicted, expected, scatter, model.rows)


def _losses(predicted: Floats, truth: Floats) -> dict[str, Floats]:
    error = predicted - truth
    found = {"absolute": np.abs(error), "squared": error**2, "signed": error}
    if (truth != 0).all():
        found["relative"] = np.abs(error / truth)
    return found


@dataclass(frozen=True)
class LossEstimate:
    """`expected` losses (rows,) by name, and the `scatter` (variance) of each around what is expected. Satisfies
    `task.Estimate`."""

    predicted: Floats
    expected: Mapping[str, Floats]
    scatter: Mapping[str, float]
    reference_rows: int

    def values(self, rows: Indices, names: Sequence[str], draws: int) -> dict[str, MetricResult]:
        """An interval is of what labels would measure on as many rows: rows drawn anew, and the mean of their losses
        as far off as the scatter around them and the finite reference leave open."""
        rows = rows[~np.isnan(self.predicted[rows])]
        if not len(rows):
            return {name: MetricResult(None, message="no row has a prediction") for name in names}
        every = once(len(rows))
        values = self._metrics(rows, every, {name: np.zeros(1) for name in self.expected})
        rng = np.random.default_rng(SEED)
        drawn: list[Mapping[str, Floats]] = [
            self._metrics(rows, weights, self._noise(len(rows), len(weights), rng))
            for weights in resamples(len(rows), draws)
        ]
        return {n: with_interval(n, float(values[n][0]), joined(drawn, n), self._why_undefined(n)) for n in names}

    def _why_undefined(self, name: str) -> str | None:
        if name == "bias":
            return _NO_BIAS
        return _NO_PERCENTAGE if name == "mape" and "relative" not in self.expected else None

    def _noise(self, rows: int, draws: int, rng: np.random.Generator) -> dict[str, Floats]:
        """How far each loss's mean may be off. One draw of luck for all: large errors are large in every loss."""
        luck, sign = rng.standard_normal(draws), rng.standard_normal(draws)
        share = 1 / rows + 1 / self.reference_rows
        return {
            name: np.sqrt(self.scatter[name] * share) * (sign if name == "signed" else luck) for name in self.expected
        }

    def _metrics(self, rows: Indices, weights: Floats, noise: Mapping[str, Floats]) -> dict[str, Floats]:
        total = weights.sum(axis=1)
        mean = {n: np.asarray(weights @ loss[rows] / total + noise[n]) for n, loss in self.expected.items()}
        squared = np.maximum(mean["squared"], 0.0)
        found = {"mae": np.maximum(mean["absolute"], 0.0), "rmse": np.sqrt(squared)}
        found["bias"] = np.full(len(weights), np.nan)
        found["r2"] = self._explained(rows, weights, squared, mean["signed"])
        found["mape"] = np.maximum(mean["relative"], 0.0) if "relative" in mean else np.full(len(weights), np.nan)
        return found

    def _explained(self, rows: Indices, weights: Floats, squared: Floats, bias: Floats) -> Floats:
        """1 less the squared error over the variance of the truth, which is prediction less error:
        var(truth) = var(prediction) + var(error) - 2 cov(prediction, error)."""
        total = weights.sum(axis=1)
        predicted, error = self.predicted[rows], self.expected["signed"][rows]
        predicted = predicted - predicted.mean()
        mean, mean_error = weights @ predicted / total, weights @ error / total
        variance = weights @ predicted**2 / total - mean**2
        together = weights @ (predicted * error) / total - mean * mean_error
        truth = variance + np.maximum(squared - bias**2, 0.0) - 2 * together
        return np.where(truth > 0, 1 - squared / np.where(truth > 0, truth, 1.0), np.nan)


@dataclass(frozen=True)
class FeatureEncoding:
    """Rows as a matrix that trees can split, of what the model was given and what it predicted.

    Its columns are numbers (a missing one is the reference's median, with a flag beside it where the reference misses
    some), and a flag for each of the commonest categories.
    """

    numbers: Sequence[tuple[str, float, bool]]
    categories: Sequence[tuple[str, Sequence[str]]]

    @classmethod
    def of(cls, manifest: Manifest, reference: pa.Table) -> FeatureEncoding:
        """By the inputs and the prediction that the reference has."""
        wanted = [c for c in model_columns(manifest) if c.role in ("input", "prediction") and c.name != "risk"]
        there = [c for c in wanted if c.name in reference.column_names]
        numbers, categories = [], []
        for column in there:
            if column.kind in CATEGORY_KINDS:
                counted = Counter(read_names(reference.column(column.name)))
                categories.append((column.name, sorted(n for n, _ in counted.most_common(MOST_CATEGORIES))))
                continue
            values = read_numbers(reference.column(column.name)).values
            missing = np.isnan(values)
            median = 0.0 if missing.all() else float(np.median(values[~missing]))
            numbers.append((column.name, median, bool(missing.any())))
        return cls(numbers, categories)

    @property
    def names(self) -> list[str]:
        return [n for n, _, _ in self.numbers] + [n for n, _ in self.categories]

    def matrix(self, table: pa.Table) -> Vectors:
        """(rows, features); `table` has every one of `names`."""
        columns: list[NDArray[np.float32]] = []
        for name, median, flagged in self.numbers:
            values = read_numbers(table.column(name)).values
            missing = np.isnan(values)
            columns.append(np.clip(np.where(missing, median, values), -_LARGEST, _LARGEST).astype(np.float32))
            if flagged:
                columns.append(missing.astype(np.float32))
        for name, kept in self.categories:
            names = np.array(read_names(table.column(name)), dtype=object)
            columns += [(names == each).astype(np.float32) for each in kept]
        return np.stack(columns, axis=1)
