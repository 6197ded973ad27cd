"""DLE: performance of a regression from a model of its errors, labels unseen.

Direct loss estimation, as NannyML describes it: on the reference, whose labels are known, a second model learns from
the inputs and the prediction how large the error is; of a window's rows its mean is the expected MAE. Here it learns
the absolute, the squared, the relative and the signed error, so that RMSE, MAPE and R² follow too: the truth is the
prediction less the signed error, so its variance is known from both. Bias is not estimated: what the model gets wrong
everywhere at once is what no reference can foretell (sales of 1997: 17 measured, -2 estimated).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.manifest import Manifest
from services.drift.performance.appraisal import Side
from services.drift.performance.bootstrap import SEED, resamples
from services.drift.performance.features import Encoding
from services.drift.performance.fit_job import FitJob, build_fit
from services.drift.performance.loss_model import LossModel, predict
from services.drift.performance.metric import Value, bounded
from services.drift.performance.outcomes import Amounts
from services.drift.performance.sample import Part

Floats = NDArray[np.float64]
METHOD = "DLE"
LEAST_ROWS = 200  # labelled rows of a reference from which errors can be learned
_NO_BIAS = "an error that all rows share cannot be seen without labels"
_NO_PERCENTAGE = "some labels of the reference are 0, of which there is no percentage"


@dataclass(frozen=True)
class Lesson:
    """A reference as it is to be learned from."""

    encoding: Encoding
    job: FitJob = field(repr=False)


def prepare(manifest: Manifest, reference: pa.Table, outcomes: Amounts, key: str) -> Lesson | Side:
    """What the worker is to fit; or why nothing can be."""
    rows = np.flatnonzero(outcomes.labelled)
    if not len(rows):
        return Side("unknown", "reference-unlabelled", "the reference has no labels to learn from", method=METHOD)
    if len(rows) < LEAST_ROWS:
        message = f"the reference has {len(rows)} labels; errors are learned from {LEAST_ROWS} on"
        return Side("unknown", "reference-unlabelled", message, method=METHOD)
    encoding = Encoding.of(manifest, reference)
    matrix = encoding.matrix(reference)[rows]
    return Lesson(encoding, build_fit(key, matrix, _losses(outcomes.take(rows))))


@dataclass(frozen=True)
class Learned:
    encoding: Encoding
    model: LossModel = field(repr=False)

    def estimate(self, part: Part) -> AmountEstimate | Side:
        missing = [n for n in self.encoding.names if n not in part.table.column_names]
        if missing:
            message = f"the records do not have {', '.join(missing[:5])}, which errors were learned from"
            return Side("unknown", "no-predictions", message, method=METHOD)
        matrix = self.encoding.matrix(part.table)
        expected = {name: predict(trees, matrix) for name, trees in self.model.losses.items()}
        scatter = {name: trees.scatter for name, trees in self.model.losses.items()}
        assert isinstance(part.outcomes, Amounts)
        return AmountEstimate(part.outcomes, expected, scatter, self.model.rows)


def _losses(outcomes: Amounts) -> dict[str, Floats]:
    error = outcomes.predicted - outcomes.truth
    found = {"absolute": np.abs(error), "squared": error**2, "signed": error}
    if (outcomes.truth != 0).all():
        found["relative"] = np.abs(error / outcomes.truth)
    return found


@dataclass(frozen=True)
class AmountEstimate:
    """`expected` losses (rows,) by name, and the `scatter` (variance) of each around what is expected. Satisfies
    `estimate.Estimate`."""

    outcomes: Amounts
    expected: Mapping[str, Floats]
    scatter: Mapping[str, float]
    reference_rows: int

    def values(self, rows: NDArray[np.intp], names: Sequence[str], draws: int) -> dict[str, Value]:
        """An interval is of what labels would measure on as many rows: rows drawn anew, and the mean of their losses
        as far off as the scatter around them and the finite reference leave open."""
        rows = rows[self.outcomes.usable[rows]]
        if not len(rows):
            return {name: Value(None, message="no row has a prediction") for name in names}
        every = np.ones((1, len(rows)))
        values = self._metrics(rows, every, {name: np.zeros(1) for name in self.expected})
        rng = np.random.default_rng(SEED)
        drawn = [self._metrics(rows, weights, self._noise(len(rows), len(weights), rng)) for weights in
                 resamples(len(rows), draws)]  # fmt: skip
        none = np.empty(0)
        return {n: bounded(n, float(values[n][0]), np.concatenate([none, *(d[n] for d in drawn)]), self._why_not(n))
                for n in names}  # fmt: skip

    def _why_not(self, name: str) -> str | None:
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

    def _metrics(self, rows: NDArray[np.intp], weights: Floats, noise: Mapping[str, Floats]) -> dict[str, Floats]:
        total = weights.sum(axis=1)
        mean = {n: np.asarray(weights @ loss[rows] / total + noise[n]) for n, loss in self.expected.items()}
        squared = np.maximum(mean["squared"], 0.0)
        found = {"mae": np.maximum(mean["absolute"], 0.0), "rmse": np.sqrt(squared)}
        found["bias"] = np.full(len(weights), np.nan)
        found["r2"] = self._explained(rows, weights, squared, mean["signed"])
        found["mape"] = np.maximum(mean["relative"], 0.0) if "relative" in mean else np.full(len(weights), np.nan)
        return found

    def _explained(self, rows: NDArray[np.intp], weights: Floats, squared: Floats, bias: Floats) -> Floats:
        """1 less the squared error over the variance of the truth, which is prediction less error:
        var(truth) = var(prediction) + var(error) - 2 cov(prediction, error)."""
        total = weights.sum(axis=1)
        predicted, error = self.outcomes.predicted[rows], self.expected["signed"][rows]
        predicted = predicted - predicted.mean()
        mean, mean_error = weights @ predicted / total, weights @ error / total
        variance = weights @ predicted**2 / total - mean**2
        together = weights @ (predicted * error) / total - mean * mean_error
        truth = variance + np.maximum(squared - bias**2, 0.0) - 2 * together
        return np.where(truth > 0, 1 - squared / np.where(truth > 0, truth, 1.0), np.nan)
