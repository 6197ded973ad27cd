"""Regression: a prediction is a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pilothouse.errors import PackageError
from pilothouse.tasks.labels import LabelReader, read_number
from pilothouse.tasks.task import PerformanceMetric, Task

if TYPE_CHECKING:
    from pilothouse.manifest import Manifest, Output


class Regression(Task):
    """A number with the unit `Output.unit`."""

    name = "regression"
    has_classes = False
    metrics = (
        PerformanceMetric("mae", "Mean absolute error", higher_is_better=False),
        PerformanceMetric("rmse", "RMSE", higher_is_better=False),
        PerformanceMetric("r2", "R²", higher_is_better=True, low=-math.inf, high=1),
        PerformanceMetric("mape", "MAPE", higher_is_better=False),
        PerformanceMetric("bias", "Bias", higher_is_better=None, low=-math.inf),
    )
    default_metric = "mae"
    label_input = "number"
    prediction_filter = "range"
    error_chart = "residuals"

    def output_faults(self, output: Output) -> list[str]:
        faults = ["output.classes: a regression has none"] if output.classes else []
        faults += ["output.label_values: a regression has no classes for them"] if output.label_values else []
        return faults + super().output_faults(output)

    def module_shapes(self, rows: int, classes: int | None) -> list[tuple[int, ...]]:
        return [(rows,), (rows, 1)]

    def graph_output(self, answer: Any, *, logits: bool) -> Any:
        return answer.flatten().float()

    def decode(self, output: Any, rows: int, manifest: Manifest) -> tuple[list[Any], Any]:
        return output.reshape(rows).tolist(), None

    def read_labels(self, values: Sequence[Any], classes: Sequence[str]) -> list[Any]:
        try:
            numbers = [float(value) for value in values]
        except (TypeError, ValueError) as error:
            raise PackageError(f"the labels of a {self.name} must be numbers: {error}") from error
        if not all(map(math.isfinite, numbers)):
            raise PackageError("a label of the reference is infinite")
        return numbers

    def label_reader(self, output: Output) -> LabelReader:
        return read_number

    def describe(self, output: Output) -> str:
        return f"{output.target}, {output.unit}" if output.unit else output.target

    def example_order(self, outputs: Any) -> Any:
        return outputs.flatten()
