"""Spans by OpenTelemetry's SDK: its batch processor, its sampler, its exporter of OTLP over HTTP. Imported on demand.

The exporter reads its own variables (OTEL_EXPORTER_OTLP_HEADERS, _CERTIFICATE, _COMPRESSION), and
OTEL_RESOURCE_ATTRIBUTES is read too. The services are called pilothouse-inference, ...
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode
from prometheus_client import Counter

from pilothouse.serving.trace import Kind, Trace

MOST_WAITING = 4096


def http_exporter(endpoint: str) -> SpanExporter:
    return OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)


class OtlpSpans:
    """Satisfies `spans.Spans`. `share` is of the traces that begin here; a caller decides about its own."""

    def __init__(self, service: str, exporter: SpanExporter, counter: Counter, share: float = 1.0) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # we say once what it says each time
        self._scope = InstrumentationScope("pilothouse", version("pilothouse"))
        named = {"service.name": f"pilothouse-{service}", "service.version": version("pilothouse")}
        self._resource = Resource.create(named)
        self._sampler = TraceIdRatioBased(share)
        self._exporter = CountedExporter(exporter, counter)
        self._processor = BatchSpanProcessor(self._exporter, MOST_WAITING, schedule_delay_millis=1000)

    def begin(self, trace: Trace) -> Trace:
        if trace.parent is not None:
            return trace
        decision = self._sampler.should_sample(None, int(trace.trace_id, 16), "").decision
        return trace.as_sampled() if decision is Decision.RECORD_AND_SAMPLE else trace

    def record(
        self, name: str, trace: Trace, seconds: float, *, kind: Kind = "internal", ago: float = 0.0,
        failed: bool = False, attributes: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        if not trace.sampled or not self._exporter.has_room():
            return
        ended, parent = time.time_ns() - int(ago * 1e9), trace.parent
        span = ReadableSpan(
            name,
            context=_context(trace.trace_id, trace.span_id),
            parent=None if parent is None else _context(trace.trace_id, parent, remote=kind == "server"),
            resource=self._resource,
            attributes={key: _encodable(value) for key, value in (attributes or {}).items() if value is not None},
            kind=SpanKind[kind.upper()],
            status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
            start_time=ended - int(seconds * 1e9),
            end_time=ended,
            instrumentation_scope=self._scope,
        )
        self._processor.on_end(span)

    def close(self, seconds: float = 2.0) -> None:
        sending = threading.Thread(target=self._processor.shutdown, name="spans-close", daemon=True)
        sending.start()  # the processor would wait for 30 s
        sending.join(seconds)


class CountedExporter(SpanExporter):
    """Counts what becomes of the spans of another exporter, and bounds how many wait for it."""

    def __init__(self, exporter: SpanExporter, counter: Counter) -> None:
        self._exporter = exporter
        self._exported, self._failed, self._dropped = (counter.labels(o) for o in ("exported", "failed", "dropped"))
        self._room = threading.Semaphore(MOST_WAITING)
        self._log = structlog.get_logger("spans")
        self._works = True

    def has_room(self) -> bool:
        """Take room for one more span; without it the span is counted as dropped."""
        room = self._room.acquire(blocking=False)
        if not room:
            self._dropped.inc()
        return room

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        why = "it did not take them"
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # the edge of the processor's loop: say why, go on
            result, why = SpanExportResult.FAILURE, f"{type(error).__name__}: {error}"
        self._room.release(len(spans))
        works = result is SpanExportResult.SUCCESS
        (self._exported if works else self._failed).inc(len(spans))
        if self._works and not works:
            self._log.warning("spans cannot be exported; they are dropped and counted", why=why[:300])
        elif works and not self._works:
            self._log.info("spans are exported again")
        self._works = works
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _context(trace_id: str, span_id: str, *, remote: bool = False) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), remote, TraceFlags(TraceFlags.SAMPLED))


def _encodable(value: Any) -> Any:
    """The same with its lone surrogates escaped."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
