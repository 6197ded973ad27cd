"""What Prometheus sees of drift. A number that could not be computed has no series, and `computable` is 0: an old
number, or a 0 that was never measured, would be a false all-clear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pilothouse.wire.drift import ColumnDrift, DriftReason, JointDrift, JointName
from services.drift.run import Run

MODEL = ("model", "version")
COLUMN = (*MODEL, "column")
JOINT = (*MODEL, "on")


class DriftMetrics:
    """`clock` gives milliseconds since the epoch, for the age of a run."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._columns: dict[tuple[str, str], set[str]] = {}

        def gauge(name: str, text: str, labels: tuple[str, ...] = MODEL) -> Gauge:
            return Gauge(f"pilothouse_drift_{name}", text, labels, registry=registry)

        self.share = gauge("share", "Share of the compared columns that have drifted.")
        self.detected = gauge("detected", "1 when the newest window has drifted, 0 when it has not.")
        self.computable = gauge("computable", "1 when there is a drift verdict, 0 when not; GET /drift says why.")
        self.unknown = gauge("unknown", "1 for the reason why there is no drift verdict.", (*MODEL, "reason"))
        self.stale = gauge("stale", "1 when the verdict is old because the collector is away, else 0.")
        self.rows = gauge("rows", "Rows of the newest window that were compared.")
        self.age = gauge("age_seconds", "Time since the verdict was made or confirmed, in seconds.")
        self.by_column = {
            "score": gauge("score", "Drift score of the column; from its threshold on it has drifted.", COLUMN),
            "threshold": gauge("threshold", "Drift score from which on the column has drifted.", COLUMN),
            "missing_share": gauge("missing_share", "Share of the column's values that are missing.", COLUMN),
            "missing_share_reference": gauge(
                "reference_missing_share", "Share of the column's values that are missing in the reference.", COLUMN
            ),
            "new_category_share": gauge("new_category_share", "Share of values in unknown categories.", COLUMN),
            "out_of_range_share": gauge("out_of_range_share", "Share of values outside the reference's range.", COLUMN),
            "unusable_share": gauge("unusable_share", "Share of values with a wrong type, or not finite.", COLUMN),
        }
        self.column_computable = gauge("column_computable", "1 when the column could be compared, else 0.", COLUMN)
        self.joint = {
            "score": gauge("joint_score", "Drift score of the embedding, or of all features together.", JOINT),
            "threshold": gauge("joint_threshold", "Joint drift score from which on it is drift.", JOINT),
            "drifted": gauge("joint_detected", "1 when the joint score says drift, 0 when it does not.", JOINT),
        }
        self.joint_computable = gauge("joint_computable", "1 when there is a joint score, else 0.", JOINT)
        self.runs = Counter(
            "pilothouse_drift_runs_total", "Scoring runs, by verdict.", (*MODEL, "verdict"), registry=registry
        )
        self.seconds = Histogram(
            "pilothouse_drift_run_seconds",
            "Time to read a window and score it, in seconds.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=registry,
        )
        self.loop_errors = Counter(
            "pilothouse_drift_schedule_errors_total",
            "Errors in the scheduler's loop, which goes on; the log has them.",
            registry=registry,
        )
        self.unsaved = Counter(
            "pilothouse_drift_unsaved_runs_total", "Scoring runs that the collector did not save.", registry=registry
        )

    def publish(self, run: Run) -> None:
        """Show a run; what the one before had and this one has not disappears."""
        key, answer = run.key, run.answer
        known = answer.verdict != "unknown"
        self.computable.labels(*key).set(known)
        self.stale.labels(*key).set(answer.stale)
        self.rows.labels(*key).set(answer.rows)
        self._dated(key, run.at_ms)
        set_or_remove(self.detected, key, float(answer.verdict == "drift") if known else None)
        set_or_remove(self.share, key, answer.drift_share if known else None)
        if not answer.stale:
            self.runs.labels(*key, answer.verdict).inc()
        self._publish_reason(key, None if known else answer.reason)
        self._publish_columns(key, {c.name: c for c in answer.columns})
        self._publish_joint(key, {j.name: j for j in answer.joint if j.status != "absent"})

    def confirmed(self, run: Run) -> None:
        """Nothing this run was made from has changed: it is as good as new. A model that nobody asks is not stale."""
        self._dated(run.key, self._clock())

    def _dated(self, key: tuple[str, str], at_ms: int) -> None:
        self.age.labels(*key).set_function(lambda: max(self._clock() - at_ms, 0) / 1000)

    def forget(self, key: tuple[str, str]) -> None:
        """A version that is not watched any more has no series."""
        self._publish_reason(key, None)
        self._publish_columns(key, {})
        self._publish_joint(key, {})
        for gauge in (self.share, self.detected, self.computable, self.stale, self.rows, self.age):
            set_or_remove(gauge, key, None)

    def _publish_reason(self, key: tuple[str, str], reason: str | None) -> None:
        for known in get_args(DriftReason):
            set_or_remove(self.unknown, (*key, known), 1 if known == reason else None)

    def _publish_columns(self, key: tuple[str, str], columns: dict[str, ColumnDrift]) -> None:
        for name in self._columns.get(key, set()) | columns.keys():
            column = columns.get(name)
            set_or_remove(self.column_computable, (*key, name), float(column.drifted is not None) if column else None)
            for field, gauge in self.by_column.items():
                set_or_remove(gauge, (*key, name), getattr(column, field) if column else None)
        self._columns[key] = set(columns)

    def _publish_joint(self, key: tuple[str, str], joint: Mapping[str, JointDrift]) -> None:
        for name in get_args(JointName):
            found = joint.get(name)
            set_or_remove(self.joint_computable, (*key, name), float(found.drifted is not None) if found else None)
            for field, gauge in self.joint.items():
                set_or_remove(gauge, (*key, name), getattr(found, field) if found else None)


class LeaderMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.leads = Gauge(
            "pilothouse_drift_leads",
            "1 when this drift service leads (its scheduled results are kept), 0 when another one does.",
            registry=registry,
        )
        self.leads.set(1)


class AnnouncerMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._announced = Gauge(
            "pilothouse_drift_announced",
            "1 when the collector knows this model that is served elsewhere, 0 when announcing it failed.",
            MODEL,
            registry=registry,
        )

    def announced(self, key: tuple[str, str], *, known: bool) -> None:
        self._announced.labels(*key).set(known)

    def forget(self, key: tuple[str, str]) -> None:
        set_or_remove(self._announced, key, None)


class ReportMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.reports = Counter(
            "pilothouse_drift_reports_total",
            "Evidently reports that were asked for: made or failed.",
            ("outcome",),
            registry=registry,
        )
        self.seconds = Histogram(
            "pilothouse_drift_report_seconds",
            "Time to make one of Evidently's reports, in seconds.",
            buckets=(0.5, 1, 2.5, 5, 10, 30, 60, 120),
            registry=registry,
        )
        self.worker_starts = Counter(
            "pilothouse_drift_worker_starts_total", "Starts of the report process.", registry=registry
        )
        self.worker_up = Gauge("pilothouse_drift_worker_up", "1 while the report process runs.", registry=registry)
        self.worker_memory = Gauge(
            "pilothouse_drift_worker_memory_bytes", "Peak memory of the report process.", registry=registry
        )


def set_or_remove(gauge: Gauge, labels: tuple[str, ...], value: float | None) -> None:
    """None: there is no series."""
    if value is not None:
        gauge.labels(*labels).set(value)
        return
    gauge.remove(*labels)
