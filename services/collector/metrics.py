"""Every Prometheus object of the collector, built on a given registry."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.collector.alert_metrics import AlertMetrics
from services.collector.events.metrics import EventMetrics

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LAG = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400)
_MODEL = ("model", "version")


class CollectorMetrics:
    """Labels are announced model versions only, never what a caller says."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.of_events, self.of_alerts = EventMetrics(registry), AlertMetrics(registry)
        self.ingested = Counter(
            "pilothouse_collector_records_ingested_total",
            "New records stored.",
            _MODEL,
            registry=registry,
        )
        self.duplicates = Counter(
            "pilothouse_collector_records_duplicate_total",
            "Records that were stored already and came again, which is harmless.",
            _MODEL,
            registry=registry,
        )
        self.dead_lettered = Counter(
            "pilothouse_collector_records_dead_lettered_total",
            "Records refused and kept as dead letters, by reason.",
            (*_MODEL, "code"),
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "pilothouse_collector_batch_seconds",
            "Time to check and commit one request of records, in seconds.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.lag_seconds = Histogram(
            "pilothouse_collector_lag_seconds",
            "Time from a prediction to its record in the database, in seconds; the oldest record of each request.",
            _MODEL,
            buckets=_LAG,
            registry=registry,
        )
        self.labels = Counter(
            "pilothouse_collector_labels_total",
            "Labels received: accepted, unchanged (known already) or rejected.",
            ("outcome",),
            registry=registry,
        )
        self.days_dropped = Counter(
            "pilothouse_collector_partitions_dropped_total",
            "Whole days of records deleted because they were older than the retention.",
            _MODEL,
            registry=registry,
        )
        self.records_expired = Counter(
            "pilothouse_collector_records_expired_total",
            "Records deleted because of their age.",
            _MODEL,
            registry=registry,
        )
        self.maintenance_failures = Counter(
            "pilothouse_collector_maintenance_failures_total", "Rounds of maintenance that failed.", registry=registry
        )
        self._failures = Counter(
            "pilothouse_collector_database_failures_total",
            "Failed attempts to reach the database.",
            registry=registry,
        )
        self._up = Gauge(
            "pilothouse_collector_database_up", "1 when the database answered last time.", registry=registry
        )
        self._pool = Gauge("pilothouse_collector_pool_in_use", "Database connections in use now.", registry=registry)

        self._pool_limit = Gauge(
            "pilothouse_collector_pool_limit", "Database connections allowed at most.", registry=registry
        )
        self.table_rows = Gauge(
            "pilothouse_collector_table_rows", "Records stored of a model version.", _MODEL, registry=registry
        )
        self.table_bytes = Gauge(
            "pilothouse_collector_table_bytes",
            "Disk space of a model version's records with their indexes.",
            _MODEL,
            registry=registry,
        )
        self.database_bytes = Gauge(
            "pilothouse_collector_database_bytes", "Disk space of the whole database.", registry=registry
        )

    def database_reached(self) -> None:
        self._up.set(1)

    def database_failed(self) -> None:
        self._up.set(0)
        self._failures.inc()

    def watch_pool(self, in_use: Callable[[], float], limit: int) -> None:
        self._pool.set_function(in_use)
        self._pool_limit.set(limit)
