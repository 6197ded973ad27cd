"""The estimated side: what is expected of a window, unless the reference cannot speak for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pilothouse.manifest import Manifest
from services.drift.performance.appraisal import Side
from services.drift.performance.bootstrap import DRAWS
from services.drift.performance.estimate import Estimate
from services.drift.performance.expectation import Expectation
from services.drift.performance.familiarity import MOVED_LIMIT, Familiarity, Unfamiliar
from services.drift.performance.metric import metrics_of
from services.drift.performance.sample import Part, Sample


@dataclass(frozen=True)
class Expecting:
    """An estimator that was learned from a reference. `estimate` makes the estimate of a part; a Side says why not."""

    manifest: Manifest
    method: str
    familiarity: Familiarity = field(repr=False)
    estimate: Callable[[Part], Estimate | Side] = field(repr=False)

    def expect(self, sample: Sample) -> Expectation:
        rows, least = sample.every.rows, self.manifest.monitoring.minimum_rows
        if not rows:
            return self._not("no-records", "there are no records in this window")
        if rows < least:
            return self._not("too-few-rows", f"{rows} rows are too few: this model is estimated from {least} on")
        if not sample.every.outcomes.usable.any():
            return self._not("no-predictions", "the records have no prediction with what is needed to judge it")
        unfamiliar = self.familiarity.judge(sample.every.table)
        if unfamiliar.broken:
            return Expectation(self._broken(unfamiliar))
        found = self.estimate(sample.every)
        if isinstance(found, Side):
            return Expectation(found)
        values = found.values(np.arange(rows), metrics_of(self.manifest.task), DRAWS)
        message = f"by {self.method} on {rows} rows, without their labels"
        details = _details(unfamiliar)
        return Expectation(Side("estimated", "estimated", message, values, self.method, details), found)

    def _not(self, reason: Any, message: str) -> Expectation:
        return Expectation(Side("unknown", reason, message, method=self.method))

    def _broken(self, unfamiliar: Unfamiliar) -> Side:
        message = f"{self.method} cannot know: the inputs drifted to where the reference has nothing to compare with; "
        message += unfamiliar.message
        details = _details(unfamiliar)
        return Side("assumption broken", "assumption-broken", message, method=self.method, details=details)


def _details(unfamiliar: Unfamiliar) -> dict[str, float]:
    return {
        "unfamiliar": unfamiliar.strange,
        "unfamiliar_limit": unfamiliar.strange_limit,
        "moved": unfamiliar.moved,
        "moved_limit": MOVED_LIMIT,
    }
