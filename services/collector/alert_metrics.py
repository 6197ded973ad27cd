"""What is counted of alerts, on a given registry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge

SEVERITIES = ("critical", "warning", "info", "other")


class AlertMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._firing = Gauge(
            "pilothouse_collector_alerts_firing",
            "Alerts in the inbox that fire now, by severity.",
            ("severity",),
            registry=registry,
        )
        self.show(())

    def show(self, counts: Iterable[tuple[str | None, int]]) -> None:
        """Severities as the alerts have them, and how many alerts of each."""
        known: Counter[str] = Counter()
        for severity, count in counts:
            known[severity if severity in SEVERITIES else "other"] += count
        for severity in SEVERITIES:
            self._firing.labels(severity).set(known[severity])
