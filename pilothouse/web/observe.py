"""What is seen of every request: rate, errors and duration by route template, a log line, and the trace."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pilothouse.web.problem import PROBLEM_JSON, problem_body
from pilothouse.web.settings import ServiceSettings
from pilothouse.web.trace import Trace, enter_trace, start_trace

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNLOGGED = frozenset({"/health/live", "/health/ready", "/metrics"})


class HttpMetrics:
    """RED metrics of one service."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "pilothouse_http_requests_total",
            "HTTP requests answered, by route template.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "pilothouse_http_request_seconds",
            "Time to answer an HTTP request, in seconds, by route template.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._children = lru_cache(maxsize=1024)(self._make_children)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        count, duration = self._children(method if method in _METHODS else "other", route, status)
        count.inc()
        duration.observe(seconds)

    def _make_children(self, method: str, route: str, status: int) -> tuple[Any, Any]:
        return self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)


class RequestLog:
    """Counts and logs answered requests: one line each, written at once and in one piece.

    Not through the logging library, whose machinery would cost more than a prediction.
    """

    def __init__(self, service: str, metrics: HttpMetrics, settings: ServiceSettings) -> None:
        self._service, self._metrics = service, metrics
        self._quiet = settings.log_level in ("warning", "error")
        self._render = _json_line if settings.log_format == "json" else _text_line

    def answered(self, scope: Scope, trace: Trace, status: int, seconds: float, route: str, **details: Any) -> None:
        """`route` is a template, never the caller's path. 499: the caller went away before there was an answer."""
        self._metrics.answered(scope["method"], route, status, seconds)
        if self._quiet or (route in _UNLOGGED and status < 400):
            return
        request = {"method": scope["method"], "path": scope["path"], "status": status, "ms": round(seconds * 1000, 2)}
        line = self._render(self._service, {**request, "trace_id": trace.trace_id, **details})
        os.write(1, line.encode("utf-8", "backslashreplace"))


def _json_line(service: str, request: dict[str, Any]) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"timestamp": now, "level": "info", "service": service, "event": "request", **request}
    return json.dumps(line, separators=(",", ":")) + "\n"


def _text_line(_: str, request: dict[str, Any]) -> str:
    details = " ".join(
        f"{k}={v}" for k, v in request.items() if k not in ("method", "path", "status", "ms", "trace_id")
    )
    path = ascii(request["path"])[1:-1]
    return f"{time.strftime('%H:%M:%S')} {request['method']} {path} {request['status']} {request['ms']} ms {details}\n"


class Observer:
    """ASGI middleware around a whole service. What it lets through unanswered becomes a 500, logged once."""

    def __init__(self, app: ASGIApp, requests: RequestLog) -> None:
        self._app, self._requests = app, requests
        self._log = structlog.get_logger("http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        trace = start_trace(header(scope, b"traceparent"))
        enter_trace(trace)
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            self._log.exception("unhandled error", path=scope["path"])
            if not status:
                await send_body(watch, 500, problem_body(500, "internal", "Internal server error"), PROBLEM_JSON)
        finally:
            self._requests.answered(scope, trace, status or 499, time.perf_counter() - begun, route_template(scope))


def route_template(scope: Scope) -> str:
    """The template of the route that answered, never the caller's path, which would be an unbounded label."""
    return getattr(scope.get("route"), "path", None) or "unmatched"


def header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


async def send_body(
    send: Send, status: int, body: bytes, content_type: str = "application/json", headers: tuple[Any, ...] = ()
) -> None:
    """A whole answer in one start and one body message."""
    fixed = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})
