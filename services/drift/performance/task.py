"""What performance asks of a task type: how outcomes are read and measured, and how they are estimated without labels.

One file for each kind of task satisfies `TaskPerformance`; `tasks` finds it by the name of the manifest's task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.manifest import Manifest
from pilothouse.wire.performance import EstimatedSide
from services.drift.performance.intervals import DRAWS, Indices, MetricResult
from services.drift.performance.loss_model import FitJob, LossModel

Method = Literal["CBPE", "DLE"]


class Outcomes(Protocol):
    """What was predicted and what was true, of some rows. Values that cannot be used are none."""

    @property
    def unusable_labels(self) -> int:
        """How many labels were given that are no class of the model, or no number."""

    @property
    def truth(self) -> NDArray[Any]:
        """(rows,)"""

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(rows,) whether there is a label and a prediction to compare."""

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(rows,) whether there is a prediction, with probabilities where there are any."""

    def take(self, rows: NDArray[Any]) -> Self: ...

    def measure(self, names: Sequence[str], draws: int = DRAWS) -> dict[str, MetricResult]:
        """The metrics of rows that all have a label, with bootstrap intervals; none without draws."""

    def curves(self) -> dict[str, Any]:
        """What a person looks at besides numbers: fields of `wire.performance.MeasuredSide`."""


class Estimate(Protocol):
    """What is expected of a sample's rows, labels unseen."""

    def values(self, rows: Indices, names: Sequence[str], draws: int) -> dict[str, MetricResult]:
        """Metrics of some of the rows, with 95% intervals of what labels would measure on as many."""


@dataclass(frozen=True)
class Lesson:
    """What was learned from a reference. `estimate` makes the estimate of some records, or says why it cannot.

    `job`: a model of errors has to be fitted first, by the worker. It is then what `estimate` is given.
    """

    estimate: Callable[[pa.Table, Any, LossModel | None], Estimate | EstimatedSide] = field(repr=False)
    job: FitJob | None = field(default=None, repr=False)


class TaskPerformance(Protocol):
    """`method` is how performance is estimated, and `unfamiliar_limit` the share of rows unlike any of the reference
    beyond which it cannot be. `label_words` is what a label is that cannot be used."""

    method: Method
    unfamiliar_limit: float
    label_words: str

    def read(self, manifest: Manifest, table: pa.Table) -> Outcomes:
        """Outcomes of every row. Nothing is raised for a value."""

    def learn(self, manifest: Manifest, reference: pa.Table, key: str) -> Lesson | EstimatedSide:
        """What the reference teaches, or why nothing. `key` names what a fit would be made of."""
