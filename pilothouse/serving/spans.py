"""Spans for OpenTelemetry, where `OTEL_EXPORTER_OTLP_ENDPOINT` says who takes them; otherwise nothing of this is there.

A span is put in a bounded queue (microseconds) and sent by a thread of its own. When nobody takes the spans they are
counted and dropped: no request waits for them, and no memory grows.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter

from pilothouse.serving.settings import ServiceSettings
from pilothouse.serving.span import Exporter, Kind, Span
from pilothouse.serving.trace import Trace, current_trace, start_trace, within

MOST_QUEUED = 4096
MOST_SENT = 512
LINGER_SECONDS = 1.0
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Spans:
    """`share` is of the traces that begin here; those of a caller are exported when the caller says so."""

    def __init__(self, exporter: Exporter, registry: CollectorRegistry, share: float = 1.0) -> None:
        self._exporter, self._share = exporter, share
        self._queue: queue.Queue[Span | None] = queue.Queue(MOST_QUEUED)
        self._thread: threading.Thread | None = None
        self._log = structlog.get_logger("spans")
        self._taken = True
        counter = Counter(
            "pilothouse_spans_total",
            "Spans for OpenTelemetry: exported, failed (not taken by the receiver) or dropped (queue full).",
            ("outcome",),
            registry=registry,
        )
        self._exported, self._failed, self._dropped = (counter.labels(o) for o in ("exported", "failed", "dropped"))

    def begin(self, trace: Trace) -> Trace:
        """The same trace, marked to be exported where it begins here and is one of the share."""
        return trace.as_sampled() if trace.parent is None and self._chosen(trace.trace_id) else trace

    def record(
        self,
        name: str,
        trace: Trace,
        seconds: float,
        *,
        kind: Kind = "internal",
        ago: float = 0.0,
        failed: bool = False,
        attributes: Mapping[str, Any] = _NOTHING,
    ) -> None:
        """A span that took `seconds` and ended `ago` seconds before now."""
        if not trace.sampled:
            return
        ended = time.time_ns() - int(ago * 1e9)
        span = Span(name, trace, kind, ended - int(seconds * 1e9), ended, failed, attributes)
        try:
            self._queue.put_nowait(span)
        except queue.Full:
            self._dropped.inc()
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_sending, name="spans", daemon=True)
            self._thread.start()

    def close(self, seconds: float = 2.0) -> None:
        """Send what waits, for at most so long."""
        if self._thread is None:
            return
        deadline = time.monotonic() + seconds
        try:
            self._queue.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _chosen(self, trace_id: str) -> bool:
        """By the trace's own random bits, so that every service chooses alike."""
        return int(trace_id[-8:], 16) < self._share * 2**32

    def _keep_sending(self) -> None:
        going = True
        while going:
            batch, going = self._take()
            if batch:
                self._send(batch)
        self._exporter.close()

    def _take(self) -> tuple[list[Span], bool]:
        """What there is after a moment, and whether there will be more."""
        batch: list[Span] = []
        deadline = None
        while len(batch) < MOST_SENT:
            try:
                span = self._queue.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if span is None:
                return batch, False
            batch.append(span)
            deadline = deadline or time.monotonic() + LINGER_SECONDS
        return batch, True

    def _send(self, batch: list[Span]) -> None:
        try:
            taken, why = self._exporter.send(batch), "it did not take them"
        except Exception as error:  # the edge of the loop: say why, go on
            taken, why = False, f"{type(error).__name__}: {error}"
        (self._exported if taken else self._failed).inc(len(batch))
        if self._taken and not taken:
            self._log.warning("spans cannot be exported; they are dropped and counted", why=why[:300])
        if taken and not self._taken:
            self._log.info("spans are exported again")
        self._taken = taken


@contextmanager
def timed(spans: Spans | None, name: str, attributes: Mapping[str, Any] = _NOTHING) -> Iterator[Trace]:
    """A span around a block, within the current trace or one of its own, which is then the current one."""
    trace, begun, failed = _beneath(current_trace(), spans), time.perf_counter(), True
    try:
        with within(trace):
            yield trace
        failed = False
    finally:
        if spans is not None:
            spans.record(name, trace, time.perf_counter() - begun, failed=failed, attributes=attributes)


def _beneath(above: Trace | None, spans: Spans | None) -> Trace:
    if above is not None:
        return above.child()
    return start_trace(None) if spans is None else spans.begin(start_trace(None))


def open_spans(service: str, settings: ServiceSettings, registry: CollectorRegistry) -> Spans | None:
    """Spans to the address in the settings; None, and nothing imported, without one."""
    if settings.otlp_endpoint is None:
        return None
    from pilothouse.serving.otlp import OtlpExporter

    return Spans(OtlpExporter(service, settings.otlp_endpoint), registry, settings.trace_share)
