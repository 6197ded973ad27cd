"""The metrics: which a task has, which way is better, and the shape of one value with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilothouse.manifest import METRICS, Manifest, Task

Floats = NDArray[np.float64]
INTERVAL = (0.025, 0.975)
DEFAULT: Mapping[Task, str] = {"regression": "mae", "binary": "roc_auc", "multiclass": "accuracy"}
HIGHER_IS_BETTER = frozenset({"accuracy", "f1", "roc_auc", "pr_auc", "r2"})
# where a metric ends, so that an interval does not go on beyond it
_RANGES: Mapping[str, tuple[float, float]] = {
    "accuracy": (0, 1), "f1": (0, 1), "roc_auc": (0, 1), "pr_auc": (0, 1), "brier": (0, 2), "log_loss": (0, math.inf),
    "mae": (0, math.inf), "rmse": (0, math.inf), "mape": (0, math.inf), "r2": (-math.inf, 1),
    "bias": (-math.inf, math.inf),
}  # fmt: skip


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


def metrics_of(task: Task) -> tuple[str, ...]:
    return METRICS[task]


def watched(manifest: Manifest) -> str:
    """The metric that the model is judged by."""
    return manifest.monitoring.performance_metric or DEFAULT[manifest.task]


def higher_is_better(metric: str) -> bool:
    return metric in HIGHER_IS_BETTER


def bounded(name: str, value: float, draws: Floats, why_not: str | None = None) -> Value:
    """The value with the interval of its draws (draws,), NaN among them left out; none where it is not defined."""
    if not math.isfinite(value):
        return Value(None, message=why_not or "not defined for these rows")
    finite = draws[np.isfinite(draws)]
    if not len(finite):
        return Value(value, message=why_not)
    low, high = np.clip(np.quantile(finite, INTERVAL), *_RANGES[name])
    return Value(value, min(float(low), value), max(float(high), value), why_not)
