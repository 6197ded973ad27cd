"""The answer on a window: what labels say, what is expected without them, the verdict on the manifest's floor.

The verdict is "below floor" only when the better end of the 95% interval is beyond the floor, so that chance alone
seldom makes it so; else it is "ok". Labels are believed before estimates.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from pilothouse.wire.performance import (
    Basis,
    EstimatedSide,
    LabelLag,
    MeasuredSide,
    MetricValue,
    PerformanceAnswer,
    PerformanceReason,
    PerformanceVerdict,
    ReferenceValues,
)
from services.drift.performance.intervals import defined, higher_is_better, undefined, watched_metric, worse_than
from services.drift.performance.learned_reference import LearnedReference
from services.drift.performance.sample import WindowSample
from services.drift.performance.slices import by_segment, over_time
from services.drift.performance.tasks import performance_of
from services.drift.window import show_moment, window_span

LEAST_LABELS = 30
NO_RECORDS = "there are no records in this window"
_WORDS = {True: ("at least", "below"), False: ("at most", "above")}


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The verdict, and what it rests on."""

    verdict: PerformanceVerdict
    reason: str
    message: str
    basis: Basis | None = None


def answer_window(
    manifest: Manifest, sample: WindowSample, learned: LearnedReference, at_ms: int, segment: str | None = None
) -> PerformanceAnswer:
    """What is found of a window's records; by the segments of a column where one is named."""
    measured, estimation = measured_side(manifest, sample), learned.estimator.apply(sample)
    by_column = None if segment is None else by_segment(manifest, sample, estimation.estimate, segment, learned.table)
    return PerformanceAnswer(
        model=manifest.name,
        version=manifest.version,
        task=manifest.task,
        metric=watched_metric(manifest),
        floor=manifest.monitoring.performance_floor,
        higher_is_better=higher_is_better(watched_metric(manifest)),
        **asdict(conclude(manifest, measured, estimation.side)),
        window=window_span(*sample.span_ms, sample.window_rows),
        rows=sample.every.rows,
        labelled_rows=sample.labelled.rows,
        label_coverage=sample.coverage,
        label_lag_seconds=_lag(sample),
        measured=measured,
        estimated=estimation.side,
        reference=ReferenceValues(metrics={n: v.value for n, v in defined(learned.results).items()}),
        over_time=tuple(over_time(manifest, sample, estimation.estimate)),
        segments=by_column,
        at=show_moment(at_ms),
    )


def unknown_answer(manifest: Manifest, reason: PerformanceReason, message: str, at_ms: int) -> PerformanceAnswer:
    """An answer without numbers, and why."""
    return PerformanceAnswer(
        model=manifest.name,
        version=manifest.version,
        task=manifest.task,
        metric=watched_metric(manifest),
        floor=manifest.monitoring.performance_floor,
        higher_is_better=higher_is_better(watched_metric(manifest)),
        reason=reason,
        message=message,
        measured=MeasuredSide(reason=reason, message=message),
        estimated=EstimatedSide(reason=reason, message=message),
        at=show_moment(at_ms),
    )


def without_curves(answer: PerformanceAnswer) -> PerformanceAnswer:
    """The same without what is many times as long: curves, slices of time, segments."""
    measured = answer.measured.model_copy(update={"confusion": None, "residuals": None, "calibration": None})
    return answer.model_copy(update={"measured": measured, "over_time": (), "segments": None})


def measured_side(manifest: Manifest, sample: WindowSample) -> MeasuredSide:
    """Measured, or why not."""
    words = performance_of(manifest).label_words
    if (missing := why_not_measured(sample, words)) is not None:
        return missing
    outcomes, unusable = sample.labelled.outcomes, sample.unusable_labels
    results = outcomes.measure(task_of(manifest).metric_names)
    more = f"; {unusable} more labels are {words}" if unusable else ""
    return MeasuredSide(
        status="measured",
        reason="measured",
        message=f"on {sample.labelled.rows} labelled rows{more}",
        metrics=defined(results),
        undefined=undefined(results),
        **outcomes.curves(),
    )


def why_not_measured(sample: WindowSample, label_words: str) -> MeasuredSide | None:
    """None when there are labels enough."""
    labels, unusable = sample.labelled.rows, sample.unusable_labels
    if not sample.every.rows:
        return _not_measured("no-records", NO_RECORDS)
    if not sample.every.outcomes.usable.any():
        return _not_measured("no-predictions", "the records have no prediction that could be judged")
    if not labels and unusable:
        return _not_measured("unusable-labels", f"{unusable} labels have come, but they are {label_words}")
    if not labels:
        return _not_measured("no-labels", "no labels have come for this window")
    if labels < LEAST_LABELS:
        message = f"{labels} of the {LEAST_LABELS} labels that a measurement needs"
        return _not_measured("too-few-labels", message)
    return None


def _not_measured(reason: PerformanceReason, message: str) -> MeasuredSide:
    return MeasuredSide(reason=reason, message=message)


def conclude(manifest: Manifest, measured: MeasuredSide, estimated: EstimatedSide) -> Conclusion:
    """The verdict; unknown, with the reason, when there is nothing to judge or nothing to judge by."""
    metric, floor = watched_metric(manifest), manifest.monitoring.performance_floor
    basis: Basis = "measured" if metric in measured.metrics else "estimated"
    value = (measured if basis == "measured" else estimated).metrics.get(metric)
    if value is None:
        return _nothing(metric, measured, estimated)
    found = f"{metric} {_show(value)}, {basis}"
    if floor is None:
        return Conclusion("unknown", "no-floor", f"{found}; the manifest sets no performance_floor", basis)
    wanted, missed = _WORDS[higher_is_better(metric)]
    if worse_than(floor, metric, value):
        message = f"{found}: all of its interval is {missed} the floor of {floor:g}"
        return Conclusion("below floor", basis, message, basis)
    worse = worse_than(floor, metric, MetricValue(value=value.value))
    doubt = ", but its interval reaches it" if worse else ""
    return Conclusion("ok", basis, f"{found}; it should be {wanted} {floor:g}{doubt}", basis)


def _nothing(metric: str, measured: MeasuredSide, estimated: EstimatedSide) -> Conclusion:
    """Why there is no verdict. What is wrong with the records says more than what is wrong with the labels."""
    for side in (measured, estimated):
        if side.status in ("measured", "estimated"):
            why = side.undefined.get(metric)
            message = f"{metric} is not defined for these rows" + (f": {why}" if why else "")
            return Conclusion("unknown", "metric-undefined", message)
    if measured.reason in ("no-records", estimated.reason):
        return Conclusion("unknown", measured.reason, measured.message)
    return Conclusion("unknown", estimated.reason, f"{measured.message}; {estimated.message}")


def _show(value: MetricValue) -> str:
    if value.low is None or value.high is None:
        return f"{value.value:.4g}"
    return f"{value.value:.4g} ({value.low:.4g} to {value.high:.4g})"


def _lag(sample: WindowSample) -> LabelLag | None:
    if not len(sample.lags):
        return None
    median, p90 = np.quantile(sample.lags, (0.5, 0.9))
    return LabelLag(median=float(median), p90=float(p90))
