"""What Prometheus sees of performance. A number that could not be computed has no series, and `computable` is 0."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pilothouse.tasks import TASKS
from services.drift.performance.appraisal import Appraisal, Side
from services.drift.performance.metric import Value, higher_is_better

MODEL = ("model", "version")
_ALL = tuple(dict.fromkeys(name for task in TASKS.values() for name in task.metric_names))
Key = tuple[str, str]


class PerformanceMetrics:
    """Gauges of every model version's newest appraisal; their labels are closed sets."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"pilothouse_performance_{name}", text, (*MODEL, *labels), registry=registry)

        self.measured = gauge("measured", "Performance of the model, measured with true labels.", "metric")
        self.measured_low = gauge("measured_low", "Lower end of the measured performance's 95% interval.", "metric")
        self.measured_high = gauge("measured_high", "Upper end of the measured performance's 95% interval.", "metric")
        self.estimated = gauge("estimated", "Performance of the model, estimated without labels.", "metric")
        self.valid = gauge("estimate_valid", "1 when the estimate can be believed, 0 when its assumption is broken.")
        self.computable = gauge("computable", "1 when performance is known, else 0.", "basis")
        self.floor = gauge("floor", "Worst performance that the manifest allows.", "metric")
        self.below = gauge("below_floor", "1 when performance is surely worse than the floor, else 0.", "basis")
        self.coverage = gauge("label_coverage", "Share of the window's records that have a true label.")
        self.labelled = gauge("labelled_rows", "Records with a true label that were measured.")
        self.lag = gauge("label_lag_seconds", "Median time from a prediction to its true label, in seconds.")
        self.runs = Counter(
            "pilothouse_performance_runs_total",
            "Runs that measured and estimated performance, by verdict.",
            (*MODEL, "verdict"),
            registry=registry,
        )
        self.unsaved = Counter(
            "pilothouse_performance_unsaved_runs_total",
            "Performance runs that the collector did not save.",
            registry=registry,
        )
        self.seconds = Histogram(
            "pilothouse_performance_run_seconds",
            "Time to read the records and measure and estimate performance, in seconds.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=registry,
        )

    def publish(self, said: Appraisal) -> None:
        """Show an appraisal; what the one before had and this one has not disappears."""
        key = said.key
        self.runs.labels(*key, said.conclusion.verdict).inc()
        self._publish_values(key, said.measured.values, said.estimated.values)
        sides = {"measured": said.measured, "estimated": said.estimated}
        for basis, side in sides.items():
            known = side.value(said.metric) is not None and side.status == basis
            self.computable.labels(*key, basis).set(known)
            _set(self.below, (*key, basis), _below(said, side) if known else None)
        for metric in _ALL:
            _set(self.floor, (*key, metric), said.floor if metric == said.metric else None)
        valid = {"estimated": 1.0, "assumption broken": 0.0}.get(said.estimated.status)
        _set(self.valid, key, valid)
        _set(self.coverage, key, said.coverage if said.rows else None)
        _set(self.labelled, key, float(said.labelled_rows))
        _set(self.lag, key, said.lag_seconds[0] if said.lag_seconds else None)

    def forget(self, key: Key) -> None:
        """A version that is not watched any more has no series."""
        self._publish_values(key, {}, {})
        for basis in ("measured", "estimated"):
            _set(self.computable, (*key, basis), None)
            _set(self.below, (*key, basis), None)
        for metric in _ALL:
            _set(self.floor, (*key, metric), None)
        for gauge in (self.valid, self.coverage, self.labelled, self.lag):
            _set(gauge, key, None)

    def _publish_values(self, key: Key, measured: Mapping[str, Value], estimated: Mapping[str, Value]) -> None:
        for metric in _ALL:
            value = measured.get(metric)
            _set(self.measured, (*key, metric), value.value if value else None)
            _set(self.measured_low, (*key, metric), value.low if value else None)
            _set(self.measured_high, (*key, metric), value.high if value else None)
            guess = estimated.get(metric)
            _set(self.estimated, (*key, metric), guess.value if guess else None)


def _below(said: Appraisal, side: Side) -> float | None:
    """1 or 0; None without a floor."""
    value = side.value(said.metric)
    if value is None or said.floor is None:
        return None
    up = higher_is_better(said.metric)
    end = value.high if up else value.low
    better_end = value.value if end is None else end
    assert better_end is not None
    return float(better_end < said.floor if up else better_end > said.floor)


def _set(gauge: Gauge, labels: tuple[str, ...], value: float | None) -> None:
    if value is not None:
        gauge.labels(*labels).set(value)
        return
    gauge.remove(*labels)
