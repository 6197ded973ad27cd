"""The performance of a regression. An error is prediction less truth, in the target's unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.manifest import Manifest
from pilothouse.tasks.labels import LARGEST
from pilothouse.wire.performance import EstimatedSide, Residuals
from services.drift.arrow import Floats, read_numbers
from services.drift.performance import dle
from services.drift.performance.intervals import DRAWS, MetricResult, bootstrap
from services.drift.performance.task import Lesson, Method
from services.drift.records import LABEL

_CONSTANT = 1e-12  # share of the truth's square below which its variance is rounding
_RESIDUAL_BINS = 24
_EXTREMES = (0.005, 0.995)
_LEAST_SPREAD = 1e-6  # of the errors' size: below it the bins would be narrower than a float of that size can tell
_LEAST_WIDTH = 1e-300  # likewise where the errors are next to nothing


@dataclass(frozen=True)
class NumberOutcomes:
    """Rows of a regression: `predicted` and `truth` (rows,), NaN for none."""

    predicted: Floats
    truth: Floats
    unusable_labels: int

    @property
    def labelled(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.truth) & self.usable

    @property
    def usable(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.predicted)

    def take(self, rows: NDArray[Any]) -> NumberOutcomes:
        return replace(self, predicted=self.predicted[rows], truth=self.truth[rows])

    def measure(self, names: Sequence[str], draws: int = DRAWS) -> dict[str, MetricResult]:
        """As `task.Outcomes.measure`."""
        why = {name: why_undefined(name, self.truth) for name in names}

        def metrics(weights: Floats) -> Mapping[str, Floats]:
            return evaluate(names, self.predicted, self.truth, weights)

        return bootstrap(metrics, len(self.truth), why, draws)

    def curves(self) -> dict[str, Any]:
        return {"residuals": residuals(self)}


class RegressionPerformance:
    """Satisfies `task.TaskPerformance`. Without labels, a model of its errors says what to expect."""

    method: Method = dle.METHOD
    unfamiliar_limit = 0.035  # a model of errors hears nothing of rows that are strange
    label_words = "no numbers"

    def read(self, manifest: Manifest, table: pa.Table) -> NumberOutcomes:
        truth, predicted = (_numbers(table, name) for name in (LABEL, "prediction"))
        given = table.num_rows - table.column(LABEL).null_count if LABEL in table.column_names else 0
        return NumberOutcomes(predicted, truth, given - int((~np.isnan(truth)).sum()))

    def learn(self, manifest: Manifest, reference: pa.Table, key: str) -> Lesson | EstimatedSide:
        outcomes = self.read(manifest, reference)
        labelled = np.flatnonzero(outcomes.labelled)
        known = outcomes.take(labelled)
        return dle.learn(manifest, reference, labelled, (known.predicted, known.truth), key)


def _numbers(table: pa.Table, name: str) -> Floats:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    values = read_numbers(table.column(name)).values
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


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


def residuals(outcomes: NumberOutcomes) -> Residuals | None:
    """Histogram of prediction less truth; errors beyond the 0.5% quantiles are in the outermost bins."""
    errors = outcomes.predicted - outcomes.truth
    if not len(errors):
        return None
    low, high = np.quantile(errors, _EXTREMES)
    low, high = _apart(float(low), float(high))
    counts, edges = np.histogram(np.clip(errors, low, high), _RESIDUAL_BINS, (low, high))
    return Residuals(edges=edges.tolist(), counts=counts.tolist())


def _apart(low: float, high: float) -> tuple[float, float]:
    """Ends that bins fit between: errors that are all the same, or as good as the same for their size, get a middle."""
    size = max(abs(low), abs(high))
    if high - low > max(size * _LEAST_SPREAD, _LEAST_WIDTH):
        return low, high
    margin = max(0.5, size * _LEAST_SPREAD)
    return low - margin, high + margin
