"""How each task type is measured and estimated. A new one is a file beside these, and its name here."""

from __future__ import annotations

from pilothouse.manifest import Manifest
from services.drift.performance.classification import ClassificationPerformance
from services.drift.performance.regression import RegressionPerformance
from services.drift.performance.task import TaskPerformance

PERFORMANCE: dict[str, TaskPerformance] = {
    "regression": RegressionPerformance(),
    "binary": ClassificationPerformance(),
    "multiclass": ClassificationPerformance(),
}


def performance_of(manifest: Manifest) -> TaskPerformance:
    """How a model's task is measured and estimated."""
    return PERFORMANCE[manifest.task]
