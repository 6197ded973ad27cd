"""The estimator of a model version: what is expected of a window, unless the reference cannot speak for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from pilothouse.wire.performance import EstimatedSide, PerformanceReason
from services.drift.performance.assumption import MOVED_LIMIT, AssumptionCheck, AssumptionResult
from services.drift.performance.intervals import DRAWS, defined, undefined
from services.drift.performance.sample import WindowSample
from services.drift.performance.task import Estimate, Method


@dataclass(frozen=True)
class Estimation:
    """What is expected of a sample. `estimate` is None unless the side is estimated."""

    side: EstimatedSide
    estimate: Estimate | None = None


class Estimator(Protocol):
    def apply(self, sample: WindowSample) -> Estimation: ...


class NoEstimator:
    """Stands where there is no estimator, and says why."""

    def __init__(self, side: EstimatedSide) -> None:
        self._side = side

    def apply(self, sample: WindowSample) -> Estimation:
        return Estimation(self._side)


@dataclass(frozen=True)
class LearnedEstimator:
    """`estimate` makes the estimate of some records and their outcomes; a side says why it cannot."""

    manifest: Manifest
    method: Method
    assumption: AssumptionCheck = field(repr=False)
    estimate: Callable[[pa.Table, Any], Estimate | EstimatedSide] = field(repr=False)

    def apply(self, sample: WindowSample) -> Estimation:
        rows, least = sample.every.rows, self.manifest.monitoring.minimum_rows
        if not rows:
            return self._unknown("no-records", "there are no records in this window")
        if rows < least:
            return self._unknown("too-few-rows", f"{rows} of the {least} rows that an estimate for this model needs")
        if not sample.every.outcomes.usable.any():
            return self._unknown("no-predictions", "the records have no prediction with what is needed to judge it")
        checked = self.assumption.check(sample.every.table)
        if checked.broken:
            return Estimation(self._broken(checked))
        found = self.estimate(sample.every.table, sample.every.outcomes)
        if isinstance(found, EstimatedSide):
            return Estimation(found)
        results = found.values(np.arange(rows), task_of(self.manifest).metric_names, DRAWS)
        side = EstimatedSide(
            status="estimated",
            reason="estimated",
            message=f"by {self.method} on {rows} rows, without their labels",
            method=self.method,
            metrics=defined(results),
            undefined=undefined(results),
        )
        return Estimation(_with_shares(side, checked), found)

    def _unknown(self, reason: PerformanceReason, message: str) -> Estimation:
        return Estimation(EstimatedSide(reason=reason, message=message, method=self.method))

    def _broken(self, checked: AssumptionResult) -> EstimatedSide:
        message = f"{self.method} cannot know: the inputs drifted to where the reference has nothing to compare with; "
        side = EstimatedSide(
            status="assumption broken",
            reason="assumption-broken",
            message=message + checked.message,
            method=self.method,
        )
        return _with_shares(side, checked)


def _with_shares(side: EstimatedSide, checked: AssumptionResult) -> EstimatedSide:
    shares = {"unfamiliar": checked.unfamiliar, "unfamiliar_limit": checked.unfamiliar_limit}
    return side.model_copy(update={**shares, "moved": checked.moved, "moved_limit": MOVED_LIMIT})
