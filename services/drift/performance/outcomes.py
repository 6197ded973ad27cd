"""What was predicted and what was true, read from records as they come.

Nothing here raises for a value: what cannot be used is set aside, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.manifest import Manifest
from services.drift.reference import LABEL
from services.drift.values import MISSING, category_name, read_names, read_numbers

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
_LEAST_SUM = 1e-6
LARGEST = 1e100  # a number beyond it has a square that is none


@dataclass(frozen=True)
class Classes:
    """Rows of a classification. `predicted` and `truth` (rows,) are places in the classes, -1 for none; `scores`
    (rows, classes) are the probabilities as logged, NaN where they were not, or None without any."""

    predicted: Codes
    truth: Codes
    scores: Floats | None
    positive: bool
    names: tuple[str, ...]
    set_aside: int

    @property
    def labelled(self) -> NDArray[np.bool_]:
        return (self.truth >= 0) & self.usable

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Rows with a prediction, and with probabilities where there are any."""
        given = self.predicted >= 0
        return given if self.scores is None else given & ~np.isnan(self.scores).any(axis=1)

    def take(self, rows: NDArray[Any]) -> Classes:
        scores = None if self.scores is None else self.scores[rows]
        return replace(self, predicted=self.predicted[rows], truth=self.truth[rows], scores=scores)


@dataclass(frozen=True)
class Amounts:
    """Rows of a regression: `predicted` and `truth` (rows,), NaN for none."""

    predicted: Floats
    truth: Floats
    set_aside: int

    @property
    def labelled(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.truth) & self.usable

    @property
    def usable(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.predicted)

    def take(self, rows: NDArray[Any]) -> Amounts:
        return replace(self, predicted=self.predicted[rows], truth=self.truth[rows])


Outcomes = Classes | Amounts


def read_outcomes(manifest: Manifest, table: pa.Table) -> Outcomes:
    """Outcomes of every row; `set_aside` counts labels that are no class of the model, or no number."""
    if manifest.task == "regression":
        truth, predicted = (_numbers(table, name) for name in (LABEL, "prediction"))
        given = table.num_rows - table.column(LABEL).null_count if LABEL in table.column_names else 0
        return Amounts(predicted, truth, given - int((~np.isnan(truth)).sum()))
    classes = manifest.output.classes or ()
    truth_codes, strange = _codes(table, LABEL, classes)
    predicted_codes, _ = _codes(table, "prediction", classes)
    scores = _scores(manifest, table)
    return Classes(predicted_codes, truth_codes, scores, manifest.task == "binary", tuple(classes), strange)


def _numbers(table: pa.Table, name: str) -> Floats:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    values = read_numbers(table.column(name)).values
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


def _codes(table: pa.Table, name: str, classes: tuple[str, ...]) -> tuple[Codes, int]:
    """Places in the classes (rows,), and how many were given that are none of them."""
    if name not in table.column_names:
        return np.full(table.num_rows, -1, dtype=np.intp), 0
    places = {category_name(c): i for i, c in enumerate(classes)}
    names = read_names(table.column(name))
    codes = np.array([places.get(n, -1) for n in names], dtype=np.intp)
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
