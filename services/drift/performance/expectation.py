"""What is expected of the rows of a sample without labels: the estimate, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from services.drift.performance.appraisal import Side
from services.drift.performance.estimate import Estimate
from services.drift.performance.sample import Sample


@dataclass(frozen=True)
class Expectation:
    """`estimate` is None unless the side is estimated."""

    side: Side
    estimate: Estimate | None = None


class NoEstimator:
    """Stands where there is no estimator, and says why."""

    def __init__(self, side: Side) -> None:
        self._side = side

    def expect(self, sample: Sample) -> Expectation:
        return Expectation(self._side)
