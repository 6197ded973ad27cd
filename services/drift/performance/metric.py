"""The metrics: which a task has, which way is better, and the shape of one value with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilothouse.manifest import Manifest
from pilothouse.tasks import TASKS, task_of

Floats = NDArray[np.float64]
INTERVAL = (0.025, 0.975)
METRICS = {metric.name: metric for task in TASKS.values() for metric in task.metrics}


@dataclass(frozen=True, slots=True)
class Value:
    """One metric. `value` is None where it is not defined, and `message` says why; the bounds are of 95%."""

    value: float | None
    low: float | None = None
    high: float | None = None
    message: str | None = None

    def as_wire(self) -> dict[str, Any]:
        wire: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high}
        return wire | ({"message": self.message} if self.message else {})


Values = Mapping[str, Value]


def metrics_of(task: str) -> tuple[str, ...]:
    return TASKS[task].metric_names


def watched(manifest: Manifest) -> str:
    """The metric that the model is judged by."""
    return manifest.monitoring.performance_metric or task_of(manifest).default_metric


def higher_is_better(metric: str) -> bool:
    return bool(METRICS[metric].higher_is_better)


def bounded(name: str, value: float, draws: Floats, why_not: str | None = None) -> Value:
    """The value with the interval of its draws (draws,), NaN among them left out; none where it is not defined."""
    if not math.isfinite(value):
        return Value(None, message=why_not or "not defined for these rows")
    finite = draws[np.isfinite(draws)]
    if not len(finite):
        return Value(value, message=why_not)
    low, high = np.clip(np.quantile(finite, INTERVAL), METRICS[name].low, METRICS[name].high)  # not beyond its range
    return Value(value, min(float(low), value), max(float(high), value), why_not)
