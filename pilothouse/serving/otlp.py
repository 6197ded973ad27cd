"""Spans as OpenTelemetry's own exporter sends them: OTLP over HTTP, protobuf. Imported only where it is asked for.

What else is to be said to the exporter is said in its own variables (OTEL_EXPORTER_OTLP_HEADERS, _CERTIFICATE,
_COMPRESSION, OTEL_RESOURCE_ATTRIBUTES), which it reads itself. The services are called pilothouse-inference, ...
"""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from pilothouse.serving.span import Span

TIMEOUT_SECONDS = 5.0
_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}


class OtlpExporter:
    """Satisfies `spans.Exporter`. `endpoint` is without the path: http://otel-collector:4318."""

    def __init__(self, service: str, endpoint: str) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # we say once what it says each time
        named = {"service.name": f"pilothouse-{service}", "service.version": version("pilothouse")}
        self._resource = Resource.create(named)
        self._scope = InstrumentationScope("pilothouse", named["service.version"])
        self._exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=TIMEOUT_SECONDS)

    def send(self, spans: list[Span]) -> bool:
        return self._exporter.export([self._as_readable(s) for s in spans]) is SpanExportResult.SUCCESS

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # untyped there

    def _as_readable(self, span: Span) -> ReadableSpan:
        parent = span.trace.parent
        return ReadableSpan(
            span.name,
            context=_context(span.trace.trace_id, span.trace.span_id),
            parent=None if parent is None else _context(span.trace.trace_id, parent, remote=span.kind == "server"),
            resource=self._resource,
            attributes={name: _plain(value) for name, value in span.attributes.items() if value is not None},
            kind=_KINDS[span.kind],
            status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
            start_time=span.begun_ns,
            end_time=span.ended_ns,
            instrumentation_scope=self._scope,
        )


def _context(trace_id: str, span_id: str, *, remote: bool = False) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=remote, trace_flags=flags)


def _plain(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
