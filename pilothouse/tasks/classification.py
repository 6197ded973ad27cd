"""What the classifying tasks have in common: classes, and a probability for each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pilothouse.errors import OutputError, PackageError
from pilothouse.tasks.labels import LabelReader, class_reader, label_value_faults
from pilothouse.tasks.task import PerformanceMetric, Task

if TYPE_CHECKING:
    from pilothouse.manifest import Manifest, Output


class Classification(Task):
    """A prediction is one of `Output.classes`, and every class has a probability; they add up to 1."""

    has_classes = True
    metrics = (
        PerformanceMetric("accuracy", "Accuracy", higher_is_better=True, high=1),
        PerformanceMetric("f1", "F1", higher_is_better=True, high=1),
        PerformanceMetric("roc_auc", "ROC AUC", higher_is_better=True, high=1, needs_probabilities=True),
        PerformanceMetric("pr_auc", "PR AUC", higher_is_better=True, high=1, needs_probabilities=True),
        PerformanceMetric("log_loss", "Log loss", higher_is_better=False, needs_probabilities=True),
        PerformanceMetric("brier", "Brier score", higher_is_better=False, high=2, needs_probabilities=True),
    )
    label_input = "choice"
    prediction_filter = "choice"
    error_chart = "confusion"

    @abstractmethod
    def _positions(self, probabilities: Any, output: Output) -> list[int]:
        """What `choose` says of many rows at once: positions of classes, from float64 (rows, classes)."""

    def output_faults(self, output: Output) -> list[str]:
        classes = output.classes or ()
        twice = ["output.classes: a class is listed twice"] if len(set(classes)) != len(classes) else []
        unclear = label_value_faults(classes, output.label_values or {})
        return twice + unclear + super().output_faults(output)

    def module_shapes(self, rows: int, classes: int | None) -> list[tuple[int, ...]]:
        return [(rows, classes or 0)]

    def graph_output(self, answer: Any, *, logits: bool) -> Any:
        return (answer.softmax(dim=1) if logits else answer).float()

    def decode(self, output: Any, rows: int, manifest: Manifest) -> tuple[list[Any], Any]:
        probabilities = output.astype("float64").reshape(rows, -1)
        classes = manifest.output.classes or ()
        if probabilities.shape[1] != len(classes):
            given = f"{probabilities.shape[1]} probabilities for {len(classes)} classes"
            raise OutputError(f"{manifest.key} answered {given}")
        return [classes[i] for i in self._positions(probabilities, manifest.output)], probabilities

    def read_labels(self, values: Sequence[Any], classes: Sequence[str]) -> list[Any]:
        texts = [str(value) for value in values]
        if set(texts) <= set(classes):
            return texts
        if all(isinstance(value, int) for value in values):  # positions; True is the second class
            return [classes[position] for position in _within(values, len(classes))]
        strange = sorted(set(texts) - set(classes))
        raise PackageError(f"labels of the reference are not among the classes: {', '.join(strange[:5])}")

    def label_reader(self, output: Output) -> LabelReader:
        return class_reader(output.classes or (), output.label_values)

    def describe(self, output: Output) -> str:
        return ", ".join(output.classes or ())

    def example_order(self, outputs: Any) -> Any:
        return outputs[:, -1]


def _within(positions: Sequence[int], classes: int) -> Sequence[int]:
    strange = sorted({int(v) for v in positions if not 0 <= v < classes})
    if strange:
        shown = ", ".join(map(str, strange[:5]))
        raise PackageError(f"labels of the reference are neither classes nor positions of the {classes}: {shown}")
    return positions
