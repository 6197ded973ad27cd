"""Putting an appraisal together: measured and estimated side, the verdict, time and segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa

from pilothouse.manifest import Manifest
from services.drift.performance.appraisal import Appraisal, Conclusion, Side
from services.drift.performance.expectation import Expectation
from services.drift.performance.floor import conclude
from services.drift.performance.measured import measured_side
from services.drift.performance.metric import Value, watched
from services.drift.performance.sample import Sample
from services.drift.performance.slices import by_segment, over_time


class Estimator(Protocol):
    def expect(self, sample: Sample) -> Expectation: ...


@dataclass(frozen=True)
class Knowledge:
    """What is known of a model version beforehand: its reference (None when it cannot be used), what was measured on
    it, and the estimator that was made from it."""

    reference: pa.Table | None
    reference_values: Mapping[str, Value]
    estimator: Estimator = field(repr=False)


def appraise(
    manifest: Manifest, sample: Sample, knowledge: Knowledge, at_ms: int, segment: str | None = None
) -> Appraisal:
    """What is said of a window's records."""
    measured = measured_side(manifest, sample)
    expectation = knowledge.estimator.expect(sample)
    estimate = expectation.estimate
    first, last = sample.span_ms
    segments = None
    if segment is not None:
        segments = by_segment(manifest, sample, estimate, segment, knowledge.reference)
    return Appraisal(
        model=manifest.name,
        version=manifest.version,
        task=manifest.task,
        metric=watched(manifest),
        floor=manifest.monitoring.performance_floor,
        conclusion=conclude(manifest, measured, expectation.side),
        measured=measured,
        estimated=expectation.side,
        at_ms=at_ms,
        rows=sample.every.rows,
        window_rows=sample.window_rows,
        first_ms=first,
        last_ms=last,
        labelled_rows=sample.labelled.rows,
        coverage=sample.coverage,
        lag_seconds=_lag(sample),
        reference=knowledge.reference_values,
        over_time=over_time(manifest, sample, estimate),
        segments=segments,
    )


def without_records(manifest: Manifest, why: Side, at_ms: int) -> Appraisal:
    """An appraisal of nothing, with why."""
    conclusion = Conclusion("unknown", why.reason, why.message)
    metric, floor = watched(manifest), manifest.monitoring.performance_floor
    return Appraisal(manifest.name, manifest.version, manifest.task, metric, floor, conclusion, why, why, at_ms)


def _lag(sample: Sample) -> tuple[float, float] | None:
    if not len(sample.lags):
        return None
    median, most = np.quantile(sample.lags, (0.5, 0.9))
    return float(median), float(most)
