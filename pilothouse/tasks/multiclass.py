"""Multiclass classification: two classes or more, of which the likeliest is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pilothouse.tasks.classification import Classification

if TYPE_CHECKING:
    from pilothouse.manifest import Output


class Multiclass(Classification):
    """The class of the largest probability is predicted; of equal ones, the first."""

    name = "multiclass"
    default_metric = "accuracy"

    def output_faults(self, output: Output) -> list[str]:
        wrong = output.classes is None or len(output.classes) < 2
        faults = ["output.classes: a multiclass model has at least two"] if wrong else []
        return faults + super().output_faults(output)

    def choose(self, probabilities: Sequence[float], output: Output) -> str:
        """The class of the largest probability."""
        assert output.classes is not None
        return output.classes[probabilities.index(max(probabilities))]

    def _positions(self, probabilities: Any, output: Output) -> list[int]:
        positions: list[int] = probabilities.argmax(axis=1).tolist()
        return positions
