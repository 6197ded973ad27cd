"""What is counted of events, on a given registry."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.collector.events.errors import CODES

OUTCOMES = ("waiting", "joined", "repeated", "set_aside")


class EventMetrics:
    """Every series is there from the start, so that its first increase is seen."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "pilothouse_collector_events_total",
            "CloudEvents received: joined (a record was made), waiting, repeated or set_aside (a dead letter).",
            ("outcome",),
            registry=registry,
        )
        self.set_aside = Counter(
            "pilothouse_collector_events_set_aside_total",
            "CloudEvents that could not become a record and were kept as dead letters, by reason.",
            ("code",),
            registry=registry,
        )
        self.unmatched = Counter(
            "pilothouse_collector_events_unmatched_total",
            "CloudEvents given up because their other half never came, by the half that did come.",
            ("half",),
            registry=registry,
        )
        self.waiting = Gauge(
            "pilothouse_collector_events_waiting",
            "CloudEvents that wait for their other half or for their model to be announced.",
            registry=registry,
        )
        halves = ("request", "response")
        for counter, values in ((self.events, OUTCOMES), (self.set_aside, CODES), (self.unmatched, halves)):
            for value in values:
                counter.labels(value)
