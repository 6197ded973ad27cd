"""Spans for OpenTelemetry, where `OTEL_EXPORTER_OTLP_ENDPOINT` names a receiver; else nothing of it is imported."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter

from pilothouse.serving.settings import ServiceSettings
from pilothouse.serving.trace import Kind, Trace, current_trace, start_trace, within


class Spans(Protocol):
    """Takes spans and sends them in a thread of its own. `otlp.OtlpSpans` is the one that there is."""

    def begin(self, trace: Trace) -> Trace:
        """The same trace, marked for export where it begins here and the sampler chooses it."""

    def record(
        self, name: str, trace: Trace, seconds: float, *, kind: Kind = "internal", ago: float = 0.0,
        failed: bool = False, attributes: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """A span that took `seconds` and ended `ago` seconds before now. Never waits."""

    def close(self, seconds: float = 2.0) -> None:
        """Send what waits, for at most so long."""


def span_counter(registry: CollectorRegistry) -> Counter:
    return Counter(
        "pilothouse_spans_total",
        "Spans for OpenTelemetry: exported, failed (not taken by the receiver) or dropped (queue full).",
        ("outcome",),
        registry=registry,
    )


@contextmanager
def timed(spans: Spans | None, name: str, attributes: Mapping[str, Any] | None = None) -> Iterator[Trace]:
    """A span around a block, within the current trace or a new one; inside the block it is the current one."""
    above = current_trace()
    trace = above.child() if above else start_trace(None)
    if above is None and spans is not None:
        trace = spans.begin(trace)
    begun, failed = time.perf_counter(), True
    try:
        with within(trace):
            yield trace
        failed = False
    finally:
        if spans is not None:
            spans.record(name, trace, time.perf_counter() - begun, failed=failed, attributes=attributes)


def open_spans(service: str, settings: ServiceSettings, registry: CollectorRegistry) -> Spans | None:
    """Spans to the address in the settings (http://otel-collector:4318, without a path); None without one."""
    if settings.otlp_endpoint is None:
        return None
    from pilothouse.serving.otlp import OtlpSpans, http_exporter

    return OtlpSpans(service, http_exporter(settings.otlp_endpoint), span_counter(registry), settings.trace_share)
