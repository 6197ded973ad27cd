"""Rate, errors and duration of HTTP requests by route template. Free of FastAPI, so that the page can have them too."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import CollectorRegistry, Gauge

from pilothouse.serving.tally import BucketCounts, Count, CounterTally, HistogramTally

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class HttpMetrics:
    """RED metrics of one service."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = CounterTally(
            "pilothouse_http_requests_total",
            "HTTP requests answered; 5xx are our errors, 4xx the caller's, 499 a caller who left.",
            ("method", "route", "status"),
            registry,
        )
        self._seconds = HistogramTally(
            "pilothouse_http_request_seconds",
            "Time to answer an HTTP request, in seconds.",
            ("method", "route"),
            registry,
            buckets=BUCKETS,
        )
        self._in_flight = 0
        in_flight = Gauge(
            "pilothouse_http_requests_in_flight",
            "HTTP requests being answered now, this scrape included.",
            registry=registry,
        )
        in_flight.set_function(lambda: self._in_flight)
        self._children = lru_cache(maxsize=1024)(self._make_children)

    def begun(self) -> None:
        """A request has come; `answered` is called for it in any case."""
        self._in_flight += 1

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is a template, never the caller's path, which would be an unbounded label."""
        self._in_flight -= 1
        count, duration = self._children(method if method in _METHODS else "other", route, status)
        count.inc()
        duration.observe(seconds)

    def _make_children(self, method: str, route: str, status: int) -> tuple[Count, BucketCounts]:
        return self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)
