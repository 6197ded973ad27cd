"""What a task type is: the questions that packing, serving, the log, drift and the page ask about it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pilothouse.columns import Column
from pilothouse.tasks.labels import LabelReader

if TYPE_CHECKING:
    from pilothouse.manifest import Manifest, Output


@dataclass(frozen=True, slots=True)
class PerformanceMetric:
    """A measure of how good predictions are; `title` is its name for people.

    `low` and `high` are the ends of its range. `higher_is_better` is None where neither direction is, as for a bias.
    `needs_probabilities`: it cannot be told from the predicted classes alone.
    """

    name: str
    title: str
    higher_is_better: bool | None
    low: float = 0.0
    high: float = math.inf
    needs_probabilities: bool = False


class Task(ABC):
    """One task type. It has no state: there is one instance of each.

    `has_classes`: a prediction is one of the classes and has a probability for each; else it is a number.
    `has_positive_class`: there are two classes, and the second is predicted from `Output.threshold` on.
    `metrics` are what performance is measured by; `default_metric` names the one that is watched unless a manifest
    names another.
    """

    name: str
    has_classes: bool
    has_positive_class: bool = False
    metrics: tuple[PerformanceMetric, ...]
    default_metric: str

    # what the page needs to know
    label_input: Literal["number", "choice"]  # how a person says what was true
    prediction_filter: Literal["range", "choice"]  # how records are found by their prediction
    error_chart: Literal["residuals", "confusion"]

    @property
    def prediction_kind(self) -> Literal["number", "category"]:
        """The kind of the column `prediction`, see `pilothouse.columns.Column`."""
        return "category" if self.has_classes else "number"

    @property
    def label_kind(self) -> Literal["number", "text"]:
        """What ground truth is stored as."""
        return "text" if self.has_classes else "number"

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Names of `metrics`, in order."""
        return tuple(metric.name for metric in self.metrics)

    def metric(self, name: str) -> PerformanceMetric:
        """The metric of this name. Raises KeyError when the task has none."""
        return {metric.name: metric for metric in self.metrics}[name]

    def columns(self, manifest: Manifest) -> tuple[Column, ...]:
        """The output columns of the log, in order: prediction, probabilities, risk."""
        columns = [Column("prediction", self.prediction_kind, "prediction")]
        columns += [Column(name, "number", "probability") for name in manifest.probability_columns]
        columns += [Column("risk", "category", "prediction")] if manifest.output.risk_tiers else []
        return tuple(columns)

    def output_faults(self, output: Output) -> list[str]:
        """What in a manifest's `output` does not fit the task, one sentence each."""
        has_tiers = output.risk_tiers and not self.has_positive_class
        return ["output.risk_tiers belong to binary models"] if has_tiers else []

    @abstractmethod
    def module_shapes(self, rows: int, classes: int | None) -> list[tuple[int, ...]]:
        """The shapes that a torch module may answer for so many rows."""

    @abstractmethod
    def graph_output(self, answer: Any, *, logits: bool) -> Any:
        """The graph's `output` (float32) from the torch module's answer: a tensor (rows,) or (rows, classes)."""

    @abstractmethod
    def decode(self, output: Any, rows: int, manifest: Manifest) -> tuple[list[Any], Any]:
        """Predictions, and probabilities float64 (rows, classes) or None, from the graph's `output`, a numpy array.

        Numbers stay as they are: what is computed belongs in `graph_output`, so that parity covers it.
        Raises OutputError when the array has another shape than the manifest says.
        """

    def choose(self, probabilities: Sequence[float], output: Output) -> str:
        """The class that is predicted from one row's probabilities, in the order of the classes."""
        raise NotImplementedError(f"{self.name}: a task without classes chooses none")

    @abstractmethod
    def read_labels(self, values: Sequence[Any], classes: Sequence[str]) -> list[Any]:
        """Ground truth as the log stores it. Raises PackageError for what cannot be a label of this task."""

    @abstractmethod
    def label_reader(self, output: Output) -> LabelReader:
        """A function that reads one label, as a caller or a file has it, as the log stores it: a class or a float.

        It raises LabelError.
        """

    @abstractmethod
    def describe(self, output: Output) -> str:
        """What a model answers, for its card."""

    @abstractmethod
    def example_order(self, outputs: Any) -> Any:
        """One number for each row of the graph's `output`: examples are chosen spread over them."""
