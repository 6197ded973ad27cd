"""The page's Prometheus metrics, on a registry of their own."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from pilothouse.serving.metrics import HttpMetrics

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)


class PageMetrics:
    """What the page asked of the other services, and which of its own runs failed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.http = HttpMetrics(registry)
        self._calls = Counter(
            "pilothouse_page_calls_total",
            "Calls of the page to another service: answered, refused (it said no) or away (no answer).",
            ("service", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "pilothouse_page_call_seconds",
            "Time that another service took to answer the page, in seconds.",
            ("service",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._failures = Counter(
            "pilothouse_page_failures_total", "Page views that ended in an error; the log has it.", registry=registry
        )

    def called(self, service: str, outcome: str, seconds: float) -> None:
        self._calls.labels(service, outcome).inc()
        self._seconds.labels(service).observe(seconds)

    def failed(self) -> None:
        self._failures.inc()


@cache
def page_metrics() -> PageMetrics:
    """The process's metrics. Streamlit runs the page's script with no way to hand it an object, so they are kept here
    from the first call on."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # as in every service: a second series for each counter
    return PageMetrics(CollectorRegistry())
