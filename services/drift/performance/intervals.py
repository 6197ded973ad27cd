"""Metrics with their 95% intervals, by the percentile bootstrap (Efron and Tibshirani 1993, chapter 13).

A draw takes as many rows as there are, with replacement. Draws are weights of rows, so that a metric of all draws is a
few products of matrices. The same rows give the same draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilothouse.manifest import Manifest
from pilothouse.tasks import TASKS, task_of
from pilothouse.wire.performance import MetricValue
from services.drift.arrow import Floats

INTERVAL = (0.025, 0.975)
DRAWS = 200  # the ends of an interval are then good to a tenth of its width
SEED = 20_261_121
METRICS = {metric.name: metric for task in TASKS.values() for metric in task.metrics}
_LEAST_DRAWS, _DRAWN_AREAS = 20, 4_000
_CELLS = 250_000  # of one chunk of weights: they stay in the processor's cache
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric. `value` is None where it is not defined, and `message` says why; `low` and `high` are of 95%."""

    value: float | None
    low: float | None = None
    high: float | None = None
    message: str | None = None

    def on_wire(self) -> MetricValue | None:
        """None where the metric is not defined."""
        if self.value is None:
            return None
        return MetricValue(value=self.value, low=self.low, high=self.high, message=self.message)


def defined(results: Mapping[str, MetricResult]) -> dict[str, MetricValue]:
    """The metrics that are defined, as on the wire."""
    shown = {name: result.on_wire() for name, result in results.items()}
    return {name: value for name, value in shown.items() if value is not None}


def undefined(results: Mapping[str, MetricResult]) -> dict[str, str | None]:
    """The metrics that are not defined, and why."""
    return {name: result.message for name, result in results.items() if result.value is None}


def watched_metric(manifest: Manifest) -> str:
    """The metric that the model is judged by."""
    return manifest.monitoring.performance_metric or task_of(manifest).default_metric


def higher_is_better(metric: str) -> bool:
    """False of a metric that has no better end, too."""
    return bool(METRICS[metric].higher_is_better)


def worse_than(floor: float, metric: str, value: MetricValue) -> bool:
    """Whether all of the metric's interval, or the metric where it has none, is worse than the floor."""
    if higher_is_better(metric):
        return (value.value if value.high is None else value.high) < floor
    return (value.value if value.low is None else value.low) > floor


def with_interval(name: str, value: float, draws: Floats, why_undefined: str | None = None) -> MetricResult:
    """The value with the interval of its draws (draws,), NaN among them left out; none where it is not defined."""
    if not math.isfinite(value):
        return MetricResult(None, message=why_undefined or "not defined for these rows")
    finite = draws[np.isfinite(draws)]
    if not len(finite):
        return MetricResult(value, message=why_undefined)
    low, high = np.clip(np.quantile(finite, INTERVAL), METRICS[name].low, METRICS[name].high)  # not beyond its range
    return MetricResult(value, min(float(low), value), max(float(high), value), why_undefined)


def bootstrap(
    evaluate: Callable[[Floats], Mapping[str, Floats]], rows: int, why: Mapping[str, str | None], draws: int
) -> dict[str, MetricResult]:
    """The metrics of `rows` rows with their intervals; without draws they have none.

    `evaluate` gives each metric (draws,) for weights (draws, rows). `why` names the metrics that are wanted, and says
    why one is not defined.
    """
    values = evaluate(once(rows))
    drawn = [evaluate(weights) for weights in resamples(rows, draws)] if draws else []
    return {n: with_interval(n, float(values[n][0]), joined(drawn, n), reason) for n, reason in why.items()}


def joined(drawn: list[Mapping[str, Floats]], name: str) -> Floats:
    """One metric of all chunks of draws, (draws,)."""
    return np.concatenate([np.empty(0), *(chunk[name] for chunk in drawn)])


def resamples(rows: int, draws: int = DRAWS, seed: int = SEED) -> Iterator[Floats]:
    """Chunks (some draws, rows) of how often each row was drawn."""
    rng = np.random.default_rng(seed)
    some = max(1, _CELLS // max(rows, 1))
    for start in range(0, draws, some):
        count = min(some, draws - start)
        chosen = rng.integers(0, rows, size=(count, rows)) + np.arange(count)[:, None] * rows
        drawn = np.bincount(chosen.ravel(), minlength=count * rows)
        yield drawn.reshape(count, rows).astype(np.float64)


def draws_for(classes: int, wanted: int = DRAWS) -> int:
    """Fewer for very many classes, each of which has an area of its own, so that the cost stays bounded."""
    return min(wanted, max(_LEAST_DRAWS, _DRAWN_AREAS // classes))


def once(rows: int) -> Floats:
    """Every row once: (1, rows)."""
    return np.ones((1, rows))
