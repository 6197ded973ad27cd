"""Every Prometheus object of the inference service, built on a given registry."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_STAGE_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_ROWS_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)
STAGES = ("decode", "queue", "model", "log", "total")


class PredictionMetrics:
    """What was predicted, how long each stage took, and which models are loaded."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names = ("model", "version")
        self._predictions = Counter(
            "pilothouse_predictions_total",
            "Predictions by outcome: answered, invalid (the caller's input), failed (the model), skipped (shadow).",
            (*names, "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "pilothouse_prediction_seconds",
            "Time of a request's stages, in seconds: decode and validate, queue, model, log, total.",
            (*names, "stage"),
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self._rows = Histogram(
            "pilothouse_batch_rows", "Rows in one run of the model.", names, buckets=_ROWS_BUCKETS, registry=registry
        )
        self._classes = Counter(
            "pilothouse_predicted_classes_total",
            "Answers by predicted class.",
            (*names, "predicted"),
            registry=registry,
        )
        self._values = Histogram(
            "pilothouse_predicted_values",
            "Predicted values of a regression, in the target's unit.",
            names,
            buckets=tuple(round(10 ** (e / 4), 3) for e in range(-8, 29)),
            registry=registry,
        )
        self._unlogged = Counter(
            "pilothouse_predictions_unlogged_total",
            "Predictions answered although their record could not be written.",
            names,
            registry=registry,
        )
        self._loaded = Gauge(
            "pilothouse_model_loaded", "1 when the model version can answer, 0 when it failed to load.", names,
            registry=registry,
        )  # fmt: skip
        self._load_seconds = Gauge(
            "pilothouse_model_load_seconds", "Time to load and warm up, in seconds.", names, registry=registry
        )
        self.of_model = lru_cache(maxsize=None)(self._of_model)

    def loaded(self, model: str, version: str, seconds: float, *, ok: bool) -> None:
        self._loaded.labels(model, version).set(int(ok))
        self._load_seconds.labels(model, version).set(seconds)

    def _of_model(self, model: str, version: str) -> ModelMetrics:
        return ModelMetrics(self, model, version)


class ModelMetrics:
    """One model version's children, looked up once and not at each request."""

    def __init__(self, parent: PredictionMetrics, model: str, version: str) -> None:
        def outcome(name: str) -> Any:
            return parent._predictions.labels(model, version, name)

        self.answered, self.invalid, self.failed = outcome("answered"), outcome("invalid"), outcome("failed")
        self.skipped = outcome("skipped")
        self.stages = {stage: parent._seconds.labels(model, version, stage) for stage in STAGES}
        self.rows = parent._rows.labels(model, version)
        self.unlogged = parent._unlogged.labels(model, version)
        self._value = parent._values.labels(model, version)
        self._class = lru_cache(maxsize=None)(lambda name: parent._classes.labels(model, version, name))

    def predicted(self, predictions: list[Any]) -> None:
        for prediction in predictions:
            if isinstance(prediction, str):
                self._class(prediction).inc()
            else:
                self._value.observe(prediction)


class SpoolMetrics:
    """What lies between an answer and its record's commit."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._records = Counter(
            "pilothouse_spool_records_total",
            "Records by what became of them: appended, shipped (committed by the collector), dead_lettered there.",
            ("outcome",),
            registry=registry,
        )
        self._dropped = Counter(
            "pilothouse_spool_dropped_total",
            "Records that will not reach the collector by themselves: full (never written), refused (kept on disk).",
            ("reason",),
            registry=registry,
        )
        self.quarantined = Counter(
            "pilothouse_spool_quarantined_bytes_total", "Bytes of damaged ranges set aside.", registry=registry
        )
        self.failures = Counter(
            "pilothouse_spool_shipping_failures_total", "Tries that failed and are repeated.", registry=registry
        )
        self._bytes = Gauge("pilothouse_spool_bytes", "Bytes that wait to be shipped.", registry=registry)
        self._limit = Gauge("pilothouse_spool_limit_bytes", "Bytes the spool may hold.", registry=registry)
        oldest = Gauge(
            "pilothouse_spool_oldest_seconds", "Age of the oldest record that is not shipped.", registry=registry
        )
        heartbeat = Gauge(
            "pilothouse_spool_heartbeat_seconds", "Time since the shipper last turned its loop.", registry=registry
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
