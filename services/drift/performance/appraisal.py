"""An appraisal: what is said of a model's performance in a window, when, and of which records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from services.drift.performance.metric import Value, higher_is_better
from services.drift.window import show_moment

Verdict = Literal["ok", "below floor", "unknown"]
Basis = Literal["measured", "estimated"]
Reason = Literal[
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
Status = Literal["measured", "estimated", "assumption broken", "unknown"]
_WITHOUT_CURVES = {"confusion": None, "residuals": None, "calibration": None}


@dataclass(frozen=True, slots=True)
class Side:
    """What was measured, or estimated. `values` are empty unless `status` is measured or estimated."""

    status: Status
    reason: Reason
    message: str
    values: Mapping[str, Value] = field(default_factory=dict)
    method: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def value(self, metric: str) -> Value | None:
        """A metric that is there and defined."""
        value = self.values.get(metric)
        return value if value is not None and value.value is not None else None

    def as_wire(self) -> dict[str, Any]:
        """Metrics that are not defined are named by themselves, with why: among the others is always a number."""
        defined = {n: v.as_wire() for n, v in self.values.items() if v.value is not None}
        undefined = {n: v.message for n, v in self.values.items() if v.value is None}
        said = {"status": self.status, "reason": self.reason, "message": self.message, "metrics": defined}
        return {**said, "undefined": undefined, **self.details}


@dataclass(frozen=True, slots=True)
class Slice:
    """The watched metric in a stretch of time, or in a segment."""

    name: Mapping[str, Any]
    rows: int
    labelled: int
    measured: Value | None
    estimated: Value | None

    def as_wire(self) -> dict[str, Any]:
        sides = {"measured": self.measured, "estimated": self.estimated}
        shown = {k: v.as_wire() if v and v.value is not None else None for k, v in sides.items()}
        return {**self.name, "rows": self.rows, "labelled": self.labelled, **shown}


@dataclass(frozen=True, slots=True)
class Conclusion:
    verdict: Verdict
    reason: Reason
    message: str
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Appraisal:
    """`lag_seconds` are the median and the 90th percentile. `digest` names the records and labels that it is of."""

    model: str
    version: str
    task: str
    metric: str
    floor: float | None
    conclusion: Conclusion
    measured: Side
    estimated: Side
    at_ms: int
    rows: int = 0
    window_rows: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    labelled_rows: int = 0
    coverage: float = 0.0
    lag_seconds: tuple[float, float] | None = None
    reference: Mapping[str, Value] = field(default_factory=dict)
    over_time: Sequence[Slice] = ()
    segments: Sequence[Slice] | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.model, self.version

    def as_wire(self) -> dict[str, Any]:
        """As /performance answers it. Every number in it is finite."""
        lag = self.lag_seconds
        return {
            "model": self.model,
            "version": self.version,
            "task": self.task,
            "metric": self.metric,
            "floor": self.floor,
            "higher_is_better": higher_is_better(self.metric),
            "verdict": self.conclusion.verdict,
            "reason": self.conclusion.reason,
            "message": self.conclusion.message,
            "basis": self.conclusion.basis,
            "window": {"from": show_moment(self.first_ms), "to": show_moment(self.last_ms), "rows": self.window_rows},
            "rows": self.rows,
            "labelled_rows": self.labelled_rows,
            "label_coverage": self.coverage,
            "label_lag_seconds": None if lag is None else {"median": lag[0], "p90": lag[1]},
            "measured": _WITHOUT_CURVES | self.measured.as_wire(),
            "estimated": {**self.estimated.as_wire(), "method": self.estimated.method},
            "reference": {"metrics": {n: v.value for n, v in self.reference.items() if v.value is not None}},
            "over_time": [s.as_wire() for s in self.over_time],
            "segments": None if self.segments is None else [s.as_wire() for s in self.segments],
            "at": show_moment(self.at_ms),
        }

    def as_record(self) -> dict[str, Any]:
        """As the collector keeps it: the numbers without curves and slices, which would be ten times as much."""
        wire = self.as_wire()
        return wire | {"measured": wire["measured"] | _WITHOUT_CURVES, "over_time": [], "segments": None}
