"""How good the predictions were, as the drift service answers it: measured by labels, and estimated without them."""

from __future__ import annotations

import msgspec

from services.frontend.answers import Window


class Interval(msgspec.Struct, frozen=True):
    """A figure with the ends of its interval."""

    value: float
    low: float | None = None
    high: float | None = None


class Confusion(msgspec.Struct, frozen=True):
    """`counts[true][predicted]`."""

    classes: list[str]
    counts: list[list[int]]


class Histogram(msgspec.Struct, frozen=True):
    """`edges` (k + 1), `counts` (k)."""

    edges: list[float]
    counts: list[float]


class CalibrationBin(msgspec.Struct, frozen=True):
    """Of `rows` predictions made with about the probability `predicted`, the share that came true."""

    predicted: float
    observed: float
    rows: int = 0


class Measured(msgspec.Struct, frozen=True):
    """By labels."""

    status: str = ""
    reason: str | None = None
    message: str | None = None
    metrics: dict[str, Interval] = {}
    confusion: Confusion | None = None
    residuals: Histogram | None = None
    calibration: list[CalibrationBin] | None = None


class Estimated(msgspec.Struct, frozen=True):
    """Without labels, by `method`. `status`: `estimated`, `assumption broken` or `unknown`."""

    status: str = ""
    reason: str | None = None
    message: str | None = None
    method: str | None = None
    metrics: dict[str, Interval] = {}


class Reference(msgspec.Struct, frozen=True):
    """On the data that the model was packed with."""

    metrics: dict[str, float] = {}


class Stretch(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """The main metric in a stretch of time."""

    start: str | None = None
    end: str | None = None
    rows: int = 0
    labelled: int = 0
    measured: Interval | None = None
    estimated: Interval | None = None


class Segment(msgspec.Struct, frozen=True):
    """The main metric where a feature has some value."""

    segment: str
    rows: int = 0
    labelled: int = 0
    measured: Interval | None = None
    estimated: Interval | None = None


class LabelLag(msgspec.Struct, frozen=True):
    """Seconds from a prediction to its label."""

    median: float | None = None
    p90: float | None = None


class Performance(msgspec.Struct, frozen=True):
    """`verdict`: `ok`, `below floor` or `unknown`; `basis` says whether it was `measured` or `estimated`."""

    model: str
    version: str
    task: str = ""
    metric: str = ""
    floor: float | None = None
    higher_is_better: bool = True
    verdict: str = "unknown"
    reason: str | None = None
    message: str | None = None
    basis: str | None = None
    window: Window | None = None
    rows: int = 0
    labelled_rows: int = 0
    label_coverage: float | None = None
    label_lag_seconds: LabelLag | None = None
    measured: Measured = Measured()
    estimated: Estimated = Estimated()
    reference: Reference = Reference()
    over_time: list[Stretch] = []
    segments: list[Segment] | None = None
    at: str | None = None


class PerformanceRuns(msgspec.Struct, frozen=True):
    """What was said before, newest first, without curves, stretches and segments."""

    performance_runs: list[Performance]
