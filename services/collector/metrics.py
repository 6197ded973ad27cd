"""The Prometheus objects that all parts of the collector share, built on a given registry."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LAG = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400)
_MODEL = ("model", "version")


class CollectorMetrics:
    """Labels are announced model versions only, never what a caller says."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry)
        self.ingested = counter("pilothouse_collector_records_ingested_total", "New records stored.", _MODEL)
        self.duplicates = counter(
            "pilothouse_collector_records_duplicate_total",
            "Records that were stored already and came again, which is harmless.",
            _MODEL,
        )
        self.dead_lettered = counter(
            "pilothouse_collector_records_dead_lettered_total",
            "Records refused and kept as dead letters, by reason.",
            (*_MODEL, "code"),
        )
        self.batch_seconds = histogram(
            "pilothouse_collector_batch_seconds",
            "Time to check and commit one request of records, in seconds.",
            buckets=_SECONDS,
        )
        self.lag_seconds = histogram(
            "pilothouse_collector_lag_seconds",
            "Time from a prediction to its record in the database, in seconds; the oldest record of each request.",
            _MODEL,
            buckets=_LAG,
        )
        self.labels = counter(
            "pilothouse_collector_labels_total",
            "Labels received: accepted, unchanged (known already) or rejected.",
            ("outcome",),
        )
        self.labels_rejected = counter(
            "pilothouse_collector_labels_rejected_total",
            "Labels refused, by reason; without a model where no record was named.",
            (*_MODEL, "code"),
        )
        self.labels_waiting = gauge(
            "pilothouse_collector_labels_waiting", "Labels kept until the record that they are of has come."
        )
        self.days_dropped = counter(
            "pilothouse_collector_partitions_dropped_total",
            "Whole days of records deleted because they were older than the retention.",
            _MODEL,
        )
        self.records_expired = counter(
            "pilothouse_collector_records_expired_total", "Records deleted because of their age.", _MODEL
        )
        self.maintenance_failures = counter(
            "pilothouse_collector_maintenance_failures_total", "Rounds of maintenance that failed."
        )
        self._failures = counter(
            "pilothouse_collector_database_failures_total", "Failed attempts to reach the database."
        )
        self._up = gauge("pilothouse_collector_database_up", "1 when the database answered last time.")
        self._pool = gauge("pilothouse_collector_pool_in_use", "Database connections in use now.")

        self._pool_limit = gauge("pilothouse_collector_pool_limit", "Database connections allowed at most.")
        self.table_rows = gauge("pilothouse_collector_table_rows", "Records stored of a model version.", _MODEL)
        self.table_bytes = gauge(
            "pilothouse_collector_table_bytes", "Disk space of a model version's records with their indexes.", _MODEL
        )
        self.database_bytes = gauge("pilothouse_collector_database_bytes", "Disk space of the whole database.")

    def database_reached(self) -> None:
        self._up.set(1)

    def database_failed(self) -> None:
        self._up.set(0)
        self._failures.inc()

    def watch_pool(self, in_use: Callable[[], float], limit: int) -> None:
        self._pool.set_function(in_use)
        self._pool_limit.set(limit)
