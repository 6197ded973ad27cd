"""What /performance answers, for people and /docs; `appraisal.Appraisal.as_wire` fills it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from pilothouse.wire.drift import WindowSpan


class MetricValue(BaseModel):
    """A metric with its 95% interval; null bounds where there is none."""

    value: float
    low: float | None
    high: float | None
    message: str | None = Field(default=None, description="what a person should know of this number")


class ConfusionMatrix(BaseModel):
    classes: list[str]
    counts: list[list[int]] = Field(description="counts[true][predicted]")


class Residuals(BaseModel):
    """Histogram of prediction less truth."""

    edges: list[float]
    counts: list[int]


class ReliabilityBin(BaseModel):
    """Of `rows` rows said with this mean probability, the share that was so."""

    predicted: float
    observed: float
    rows: int


class MeasuredSide(BaseModel):
    status: Literal["measured", "unknown"]
    reason: str
    message: str
    metrics: dict[str, MetricValue]
    undefined: dict[str, str | None] = Field(description="metrics that are not defined for these rows, and why")
    confusion: ConfusionMatrix | None
    residuals: Residuals | None
    calibration: list[ReliabilityBin] | None


class EstimatedSide(BaseModel):
    """Without labels. `assumption broken`: the inputs drifted to where the estimate cannot know; no numbers then."""

    status: Literal["estimated", "assumption broken", "unknown"]
    reason: str
    message: str
    method: Literal["CBPE", "DLE"] | None
    metrics: dict[str, MetricValue]
    undefined: dict[str, str | None]
    unfamiliar: float | None = Field(default=None, description="share of rows unlike any of the reference")
    unfamiliar_limit: float | None = Field(default=None, description="beyond it the assumption is broken")
    moved: float | None = Field(default=None, description="share of predictions that moved to other classes")
    moved_limit: float | None = Field(default=None, description="beyond it the assumption is broken")


class ReferenceValues(BaseModel):
    metrics: dict[str, float]


class LabelLag(BaseModel):
    median: float
    p90: float


class TimeSlice(BaseModel):
    """The watched metric in a stretch of time."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")
    rows: int
    labelled: int
    measured: MetricValue | None
    estimated: MetricValue | None


class SegmentSlice(BaseModel):
    segment: str
    rows: int
    labelled: int
    measured: MetricValue | None
    estimated: MetricValue | None


class PerformanceAnswer(BaseModel):
    """How well the model did in a window: measured by labels, and estimated without them."""

    model: str
    version: str
    task: Literal["regression", "binary", "multiclass"]
    metric: str = Field(description="the metric that the verdict, time and segments are of")
    floor: float | None
    higher_is_better: bool
    verdict: Literal["ok", "below floor", "unknown"]
    reason: str
    message: str
    basis: Literal["measured", "estimated"] | None
    window: WindowSpan
    rows: int = Field(description="records that were looked at, of those in the window")
    labelled_rows: int = Field(description="labelled records that were measured")
    label_coverage: float = Field(description="share of the window's records that have a usable label")
    label_lag_seconds: LabelLag | None
    measured: MeasuredSide
    estimated: EstimatedSide
    reference: ReferenceValues
    over_time: list[TimeSlice]
    segments: list[SegmentSlice] | None
    at: str
