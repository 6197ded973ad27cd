"""The archive's metrics, built on a given registry."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.collector.archive.ledger import Standing
from services.collector.moment import DAY_MS

_MODEL = ("model", "version")


class ArchiveMetrics:
    """Made only where there is an archive, so that without one there is nothing to alert on."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._days = Counter(
            "pilothouse_collector_archive_days_total", "Days written to the archive.", _MODEL, registry=registry
        )
        self._bytes = Counter(
            "pilothouse_collector_archive_bytes_total", "Bytes written to the archive.", _MODEL, registry=registry
        )
        self.failures = Counter(
            "pilothouse_collector_archive_failures_total",
            "Failed attempts to archive a day of records; the next round tries again.",
            registry=registry,
        )
        self._age = Gauge(
            "pilothouse_collector_archive_age_seconds",
            "Time since the end of the newest archived day, in seconds; keeps growing when archiving stops.",
            _MODEL,
            registry=registry,
        )
        self._waiting = Gauge(
            "pilothouse_collector_archive_waiting_days",
            "Past days whose records are not in the archive yet, or have changed since they were archived.",
            _MODEL,
            registry=registry,
        )

    def wrote(self, model: str, version: str, size: int) -> None:
        self._days.labels(model, version).inc()
        self._bytes.labels(model, version).inc(size)

    def show(self, standing: dict[tuple[str, str], Standing], now: int) -> None:
        """How every model version stands at `now`, milliseconds since the epoch."""
        for key, found in standing.items():
            self._waiting.labels(*key).set(found.waiting)
            if found.newest is not None:
                self._age.labels(*key).set(max(0, now - (found.newest + 1) * DAY_MS) / 1000)
