"""What the drift service says of a model's performance: `/performance`, `/performance/history`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pilothouse.wire.drift import VersionAnswer, WindowSpan, WireModel

PerformanceVerdict = Literal["ok", "below floor", "unknown"]
Basis = Literal["measured", "estimated"]
PerformanceReason = Literal[
    "measured",
    "estimated",
    "no-floor",
    "no-records",
    "too-few-rows",
    "no-labels",
    "too-few-labels",
    "unusable-labels",
    "no-predictions",
    "metric-undefined",
    "assumption-broken",
    "fitting",
    "fit-failed",
    "no-probabilities",
    "reference-unlabelled",
    "reference-missing",
    "reference-damaged",
    "collector-away",
    "appraisal-failed",
]


class MetricValue(WireModel):
    """A metric with the ends of its 95% interval, null where there is none."""

    value: float
    low: float | None = None
    high: float | None = None
    message: str | None = Field(
        None, description="what a person should know of this number", exclude_if=lambda message: message is None
    )


class ConfusionMatrix(WireModel):
    """How often each class was predicted for each true one."""

    classes: list[str]
    counts: list[list[int]] = Field(description="counts[true][predicted]")


class Residuals(WireModel):
    """Histogram of prediction less truth: one edge more than there are counts."""

    edges: list[float]
    counts: list[int]


class ReliabilityBin(WireModel):
    """Of `rows` rows predicted with this mean probability, the share that came true."""

    predicted: float
    observed: float
    rows: int = 0


class MeasuredSide(WireModel):
    """What labels say. There are metrics only where `status` is measured."""

    status: Literal["measured", "unknown"] = "unknown"
    reason: str = ""
    message: str = ""
    metrics: dict[str, MetricValue] = Field({})
    undefined: dict[str, str | None] = Field({}, description="metrics that are not defined for these rows, and why")
    confusion: ConfusionMatrix | None = None
    residuals: Residuals | None = None
    calibration: tuple[ReliabilityBin, ...] | None = None


def _of_limits(description: str) -> float | None:
    """A share that is left out of the JSON where nothing was compared with the reference."""
    field: float | None = Field(None, description=description, exclude_if=lambda share: share is None)
    return field


class EstimatedSide(WireModel):
    """What is expected without labels. `assumption broken`: the inputs drifted to where the estimate cannot know; there
    are no metrics then."""

    status: Literal["estimated", "assumption broken", "unknown"] = "unknown"
    reason: str = ""
    message: str = ""
    method: Literal["CBPE", "DLE"] | None = None
    metrics: dict[str, MetricValue] = Field({})
    undefined: dict[str, str | None] = Field({})
    unfamiliar: float | None = _of_limits("share of rows unlike any of the reference")
    unfamiliar_limit: float | None = _of_limits("beyond it the assumption is broken")
    moved: float | None = _of_limits("share of predictions that moved to other classes")
    moved_limit: float | None = _of_limits("beyond it the assumption is broken")


class ReferenceValues(WireModel):
    """Measured on the data that the model was packed with."""

    metrics: dict[str, float] = Field({})


class LabelLag(WireModel):
    """Seconds from a record to its label."""

    median: float | None = None
    p90: float | None = None


class MetricSlice(WireModel):
    """The watched metric of some of the records."""

    rows: int = 0
    labelled: int = 0
    measured: MetricValue | None = None
    estimated: MetricValue | None = None


class TimeSlice(MetricSlice):
    """Those of a span of time, ISO 8601."""

    start: str | None = Field(None, alias="from")
    end: str | None = Field(None, alias="to")


class SegmentSlice(MetricSlice):
    """Those where a column has a value, or one in a band."""

    segment: str


class PerformanceAnswer(VersionAnswer):
    """How well a model did in a window: measured by labels, and estimated without them."""

    task: str = Field("", description="type of the model's task, such as regression")
    metric: str = Field("", description="the metric that the verdict, time and segments are of")
    floor: float | None = None
    higher_is_better: bool = True
    verdict: PerformanceVerdict = "unknown"
    reason: str = ""
    message: str = ""
    basis: Basis | None = None
    window: WindowSpan = WindowSpan()
    rows: int = Field(0, description="records that were looked at, of those in the window")
    labelled_rows: int = Field(0, description="labelled records that were measured")
    label_coverage: float = Field(0.0, description="share of the window's records that have a usable label")
    label_lag_seconds: LabelLag | None = None
    measured: MeasuredSide = MeasuredSide()
    estimated: EstimatedSide = EstimatedSide()
    reference: ReferenceValues = ReferenceValues()
    over_time: tuple[TimeSlice, ...] = ()
    segments: tuple[SegmentSlice, ...] | None = None
    at: str | None = Field(None, description="when it was worked out, ISO 8601")


class PerformanceRuns(WireModel):
    """Earlier answers, newest first, without curves, slices of time and segments."""

    performance_runs: tuple[PerformanceAnswer, ...]
    next: int | None = Field(None, description="cursor of the following page; null at the end")
