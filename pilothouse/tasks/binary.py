"""Binary classification: two classes, of which the second is the positive one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pilothouse.tasks.classification import Classification

if TYPE_CHECKING:
    from pilothouse.manifest import Output


class Binary(Classification):
    """The positive class is predicted when its probability reaches `Output.threshold`; risk tiers are read on it.

    A torch module may answer both classes, or the positive one alone.
    """

    name = "binary"
    has_positive_class = True
    default_metric = "roc_auc"

    def output_faults(self, output: Output) -> list[str]:
        wrong = output.classes is None or len(output.classes) != 2
        faults = ["output.classes: a binary model has exactly two, the positive one second"] if wrong else []
        return faults + super().output_faults(output)

    def module_shapes(self, rows: int, classes: int | None) -> list[tuple[int, ...]]:
        return [(rows, 2), (rows, 1), (rows,)]

    def graph_output(self, answer: Any, *, logits: bool) -> Any:
        if answer.dim() == 2 and answer.shape[1] != 1:
            return super().graph_output(answer, logits=logits)
        import torch

        positive = (answer.sigmoid() if logits else answer).flatten()
        return torch.stack([1 - positive, positive], dim=1).float()

    def choose(self, probabilities: Sequence[float], output: Output) -> str:
        """The second class from the threshold on, else the first."""
        assert output.classes is not None
        return output.classes[int(probabilities[1] >= output.threshold)]

    def _positions(self, probabilities: Any, output: Output) -> list[int]:
        return [int(reached) for reached in (probabilities[:, 1] >= output.threshold).tolist()]
