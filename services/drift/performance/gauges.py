"""What Prometheus sees of performance. A number that could not be computed has no series, and `computable` is 0."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pilothouse.wire.performance import MetricValue, PerformanceAnswer
from services.drift.metrics import MODEL, set_or_remove
from services.drift.performance.intervals import METRICS, worse_than

Key = tuple[str, str]


class PerformanceMetrics:
    """Gauges of every model version's newest answer; their labels are closed sets."""

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

    def publish(self, answer: PerformanceAnswer) -> None:
        """Show an answer; what the one before had and this one has not disappears."""
        key = (answer.model, answer.version)
        self.runs.labels(*key, answer.verdict).inc()
        self._publish_values(key, answer.measured.metrics, answer.estimated.metrics)
        for basis, side in (("measured", answer.measured), ("estimated", answer.estimated)):
            value = side.metrics.get(answer.metric)
            self.computable.labels(*key, basis).set(value is not None)
            below = None
            if value is not None and answer.floor is not None:
                below = float(worse_than(answer.floor, answer.metric, value))
            set_or_remove(self.below, (*key, basis), below)
        for metric in METRICS:
            set_or_remove(self.floor, (*key, metric), answer.floor if metric == answer.metric else None)
        set_or_remove(self.valid, key, {"estimated": 1.0, "assumption broken": 0.0}.get(answer.estimated.status))
        set_or_remove(self.coverage, key, answer.label_coverage if answer.rows else None)
        set_or_remove(self.labelled, key, float(answer.labelled_rows))
        set_or_remove(self.lag, key, answer.label_lag_seconds.median if answer.label_lag_seconds else None)

    def forget(self, key: Key) -> None:
        """A version that is not watched any more has no series."""
        self._publish_values(key, {}, {})
        for basis in ("measured", "estimated"):
            set_or_remove(self.computable, (*key, basis), None)
            set_or_remove(self.below, (*key, basis), None)
        for metric in METRICS:
            set_or_remove(self.floor, (*key, metric), None)
        for gauge in (self.valid, self.coverage, self.labelled, self.lag):
            set_or_remove(gauge, key, None)

    def _publish_values(
        self, key: Key, measured: Mapping[str, MetricValue], estimated: Mapping[str, MetricValue]
    ) -> None:
        for metric in METRICS:
            value, estimate = measured.get(metric), estimated.get(metric)
            set_or_remove(self.measured, (*key, metric), value.value if value else None)
            set_or_remove(self.measured_low, (*key, metric), value.low if value else None)
            set_or_remove(self.measured_high, (*key, metric), value.high if value else None)
            set_or_remove(self.estimated, (*key, metric), estimate.value if estimate else None)
