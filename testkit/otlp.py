"""Somebody who takes OpenTelemetry spans: a real HTTP server that decodes OTLP's protobuf, or refuses it."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Taken:
    """A span as it came: its service, name, ids in hex, seconds, attributes."""

    def __init__(self, service: str, span: Any) -> None:
        self.service, self.name, self.kind = service, span.name, span.kind
        self.trace_id, self.span_id, self.parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        self.begun, self.ended = span.start_time_unix_nano / 1e9, span.end_time_unix_nano / 1e9
        self.attributes = values(span.attributes)
        self.failed = span.status.code == 2


def values(attributes: Iterable[Any]) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in attributes}


@contextmanager
def receiving(status: int = 200) -> Iterator[tuple[str, list[Taken]]]:
    """The address to send to, and the spans that have come; `status` is what is answered."""
    spans: list[Taken] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = values(resource.resource.attributes)["service.name"]
                spans.extend(Taken(service, s) for scope in resource.scope_spans for s in scope.spans)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Tests read standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
