"""How each kind of task is measured and estimated. A new kind is a file beside these, and a case here."""

from __future__ import annotations

from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from pilothouse.tasks.classification import Classification
from pilothouse.tasks.regression import Regression
from services.drift.performance.classification import ClassificationPerformance
from services.drift.performance.regression import RegressionPerformance
from services.drift.performance.task import TaskPerformance

_CLASSIFICATION, _REGRESSION = ClassificationPerformance(), RegressionPerformance()


def performance_of(manifest: Manifest) -> TaskPerformance:
    """How a model's task is measured and estimated. A task that derives from another is measured like that one."""
    match task_of(manifest):
        case Classification():
            return _CLASSIFICATION
        case Regression():
            return _REGRESSION
        case task:
            raise NotImplementedError(f"the performance of a {task.name} is not measured yet")
