"""Every Prometheus object of the inference service, built on a given registry."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pilothouse.serving.metrics import CounterChild, FastCounter, FastHistogram

_STAGE_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_CONFIDENCE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
_ROWS_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)
STAGES = ("decode", "queue", "preprocess", "model", "postprocess", "log", "total")


class PredictionMetrics:
    """What was predicted, how long each stage took, and which models are loaded."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names = ("model", "version")
        self._predictions = FastCounter(
            "pilothouse_predictions_total",
            "Predictions: answered, invalid (bad input), failed (the model broke) or skipped (a shadow was busy).",
            (*names, "outcome"),
            registry,
        )
        self._seconds = FastHistogram(
            "pilothouse_prediction_seconds",
            "Time of each stage of a prediction, in seconds; preprocess to log are of the whole batch.",
            (*names, "stage"),
            registry,
            buckets=_STAGE_BUCKETS,
        )
        self._rows = FastHistogram(
            "pilothouse_batch_rows", "Rows that shared one run of the model.", names, registry, buckets=_ROWS_BUCKETS
        )
        self._classes = FastCounter(
            "pilothouse_predicted_classes_total",
            "Predictions by predicted class.",
            (*names, "predicted"),
            registry,
        )
        self._values = FastHistogram(
            "pilothouse_predicted_values",
            "Predicted values of a regression, in the target's unit.",
            names,
            registry,
            buckets=tuple(round(10 ** (e / 4), 3) for e in range(-8, 29)),
        )
        self._confidence = FastHistogram(
            "pilothouse_prediction_confidence",
            "Probability of the likeliest class; low means that the model is unsure.",
            names,
            registry,
            buckets=_CONFIDENCE_BUCKETS,
        )
        self._unlogged = Counter(
            "pilothouse_predictions_unlogged_total",
            "Predictions answered without being logged, because the spool could not take their record.",
            names,
            registry=registry,
        )
        self._loaded = Gauge(
            "pilothouse_model_loaded", "1 when the model version can answer, 0 when it failed to load.", names,
            registry=registry,
        )  # fmt: skip
        self._load_seconds = Gauge(
            "pilothouse_model_load_seconds", "Time to load and warm up the model, in seconds.", names, registry=registry
        )
        self._inline = Gauge(
            "pilothouse_model_inline",
            "1 when single rows run on the event loop (a fast model), 0 when they run in a thread.",
            names,
            registry=registry,
        )
        self._run_seconds = Gauge(
            "pilothouse_model_run_seconds", "Time to run one row, measured at warm-up.", names, registry=registry
        )
        self._states = ModelStates()
        registry.register(self._states)
        self.of_model = lru_cache(maxsize=None)(self._of_model)

    def watch_states(self, states: Callable[[], Iterable[tuple[str, str, str]]]) -> None:
        """Where model, version and state of every package are read from at each scrape."""
        self._states.read = states

    def loaded(self, model: str, version: str, seconds: float, *, ok: bool) -> None:
        self._loaded.labels(model, version).set(int(ok))
        self._load_seconds.labels(model, version).set(seconds)

    def _of_model(self, model: str, version: str) -> ModelMetrics:
        return ModelMetrics(self, model, version)


class ModelMetrics:
    """One model version's children, looked up once and not at each request."""

    def __init__(self, parent: PredictionMetrics, model: str, version: str) -> None:
        def outcome(name: str) -> CounterChild:
            return parent._predictions.labels(model, version, name)

        self.answered, self.invalid, self.failed = outcome("answered"), outcome("invalid"), outcome("failed")
        self.skipped = outcome("skipped")
        self.stages = {stage: parent._seconds.labels(model, version, stage) for stage in STAGES}
        self.rows = parent._rows.labels(model, version)
        self.unlogged = parent._unlogged.labels(model, version)
        self._run_seconds = parent._run_seconds.labels(model, version)
        self._inline = parent._inline.labels(model, version)
        self._value = parent._values.labels(model, version)
        self._confidence = lru_cache(maxsize=1)(lambda: parent._confidence.labels(model, version))
        self._class = lru_cache(maxsize=None)(lambda name: parent._classes.labels(model, version, name))

    def warmed_up(self, seconds: float, *, inline: bool) -> None:
        """What one row's run takes, and where it will run."""
        self._run_seconds.set(seconds)
        self._inline.set(int(inline))

    def predicted(self, predictions: list[Any]) -> None:
        """The predictions of one batch, all of one kind."""
        if isinstance(predictions[0], str):
            for name, count in Tally(predictions).items():
                self._class(name).inc(count)
        else:
            for value in predictions:
                self._value.observe(value)

    def confident(self, probabilities: Iterable[float]) -> None:
        """`probabilities` are those of the likeliest classes. A model without classes has no series."""
        observe = self._confidence().observe
        for probability in probabilities:
            observe(probability)


class ModelStates(Collector):
    """1 for the state that each model version is in; the catalog knows it, so it is asked and not told."""

    def __init__(self) -> None:
        self.read: Callable[[], Iterable[tuple[str, str, str]]] = tuple

    def describe(self) -> Iterable[GaugeMetricFamily]:
        text = "1 for the state of a model version: active, shadow, loaded (answers only when named) or failed."
        yield GaugeMetricFamily("pilothouse_model_state", text, labels=("model", "version", "state"))

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for family in self.describe():
            for labels in self.read():
                family.add_metric(labels, 1)
            yield family


class SpoolMetrics:
    """What lies between an answer and its record's commit."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._records = Counter(
            "pilothouse_spool_records_total",
            "Records: appended to the spool, shipped to the collector, or dead_lettered (refused there).",
            ("outcome",),
            registry=registry,
        )
        self._dropped = Counter(
            "pilothouse_spool_dropped_total",
            "Records that will not reach the collector: full and unusable are lost, refused are kept on disk.",
            ("reason",),
            registry=registry,
        )
        self.quarantined = Counter(
            "pilothouse_spool_quarantined_bytes_total", "Bytes of damaged records set aside.", registry=registry
        )
        self.failures = Counter(
            "pilothouse_spool_shipping_failures_total", "Failed attempts to ship; each is repeated.", registry=registry
        )
        self._bytes = Gauge("pilothouse_spool_bytes", "Disk space that the spool takes.", registry=registry)
        self._limit = Gauge("pilothouse_spool_limit_bytes", "Disk space that the spool may take.", registry=registry)
        oldest = Gauge(
            "pilothouse_spool_oldest_seconds", "Age of the oldest record not yet shipped.", registry=registry
        )
        heartbeat = Gauge(
            "pilothouse_spool_heartbeat_seconds", "Time since the shipper's last sign of life.", registry=registry
        )
        for outcome in ("appended", "shipped", "dead_lettered"):
            self._records.labels(outcome)
        for reason in ("full", "refused", "unusable"):
            self._dropped.labels(reason)
        self._appended = self._records.labels("appended")
        self._waiting_since: float | None = None
        self._beat = clock()
        oldest.set_function(lambda: 0.0 if self._waiting_since is None else clock() - self._waiting_since)
        heartbeat.set_function(lambda: clock() - self._beat)

    def watch(self, size: Callable[[], float], limit: int) -> None:
        """Where the gauge of bytes reads from."""
        self._bytes.set_function(size)
        self._limit.set(limit)

    def appended(self, records: int) -> None:
        self._appended.inc(records)
        if self._waiting_since is None:
            self._waiting_since = self._clock()

    def shipped(self, records: int, dead_lettered: int) -> None:
        self._records.labels("shipped").inc(records - dead_lettered)
        self._records.labels("dead_lettered").inc(dead_lettered)

    def waiting_since(self, at_seconds: float) -> None:
        """The oldest record that waits was made at this time."""
        self._waiting_since = at_seconds

    def drained(self) -> None:
        """Nothing waits."""
        self._waiting_since = None

    def dropped(self, reason: str, records: int) -> None:
        self._dropped.labels(reason).inc(records)

    def heartbeat(self) -> None:
        self._beat = self._clock()
