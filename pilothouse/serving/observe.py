"""What is seen of every request: rate, errors and duration by route template, a log line, and the trace."""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

import msgspec
import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pilothouse.serving.metrics import HttpMetrics
from pilothouse.serving.problem import PROBLEM_JSON, problem_body
from pilothouse.serving.settings import ServiceSettings
from pilothouse.serving.spans import Spans
from pilothouse.serving.trace import Trace, enter_trace, start_trace

_encoder = msgspec.json.Encoder()
_SHOWN = frozenset({"timestamp", "level", "service", "event", "method", "path", "status", "ms", "trace_id"})
_NOTES = "pilothouse.notes"
_LONGEST = 60  # characters of a caller's value in a log line
_UNLOGGED = frozenset({"/health/live", "/health/ready", "/metrics"})


class RequestTarget(msgspec.Struct, frozen=True):
    """What a request was for; `route` is the template of its path."""

    method: str
    path: str
    route: str


class RequestLog:
    """Counts and logs answered requests: one line each, whole; those of one turn of the event loop are written at once.

    Not through the logging library, whose machinery would cost more than a prediction.
    """

    def __init__(
        self, service: str, metrics: HttpMetrics, settings: ServiceSettings, spans: Spans | None = None
    ) -> None:
        self._service, self._metrics, self._spans = service, metrics, spans
        self._quiet = settings.log_level in ("warning", "error")
        self._render = _json_line if settings.log_format == "json" else _text_line
        self._lines: list[bytes] = []
        self._first_at = ""  # when the first of them was answered

    def begin(self, traceparent: bytes | None) -> Trace:
        """The request's trace; `answered` is called for it in any case."""
        self._metrics.begun()
        trace = start_trace(traceparent)
        return trace if self._spans is None else self._spans.begin(trace)

    def answered(
        self, target: RequestTarget, trace: Trace, status: int, seconds: float, details: Mapping[str, Any]
    ) -> None:
        """499: the caller went away before there was an answer."""
        method, path, route = target.method, target.path, target.route
        self._metrics.answered(method, route, status, seconds)
        if self._spans is not None and route not in _UNLOGGED:
            told = _attributes(method, route, status, details)
            failed = status >= 500
            self._spans.record(f"{method} {route}", trace, seconds, kind="server", failed=failed, attributes=told)
        if self._quiet or (route in _UNLOGGED and status < 400):
            return
        if not self._lines:
            self._first_at = _now()
            asyncio.get_running_loop().call_soon(self._write)
        line = {"timestamp": self._first_at, "level": "info", "service": self._service, "event": "request",
                "method": method, "path": path, "status": status, "ms": round(seconds * 1000, 2),
                "trace_id": trace.trace_id, **details}  # fmt: skip
        self._lines.append(self._render(line))

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        for block in _blocks(lines):
            os.write(1, block)


def _attributes(method: str, route: str, status: int, details: Mapping[str, Any]) -> dict[str, Any]:
    """Named as OpenTelemetry's conventions for HTTP servers have it; `route` is a template."""
    attributes = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
    return attributes | {f"pilothouse.{name}": value for name, value in details.items()}


def _blocks(lines: list[bytes]) -> Iterator[bytes]:
    """The lines in blocks that a pipe takes in one piece, so that no other thread's line comes between."""
    block: list[bytes] = []
    size = 0
    for line in lines:
        if block and size + len(line) > select.PIPE_BUF:
            yield b"".join(block)
            block, size = [], 0
        block.append(line)
        size += len(line)
    yield b"".join(block)


def _json_line(line: dict[str, Any]) -> bytes:
    try:
        return _encoder.encode(line) + b"\n"
    except UnicodeEncodeError:  # a lone surrogate in the caller's path, or in what a route noted of the body
        return _encoder.encode(_encodable(line)) + b"\n"


def _encodable(value: Any) -> Any:
    """The same with its lone surrogates escaped."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _encodable(one) for key, one in value.items()}
    return [_encodable(one) for one in value] if isinstance(value, list | tuple) else value


def _now() -> str:
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_second(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _text_line(line: dict[str, Any]) -> bytes:
    details = " ".join(f"{k}={v}" for k, v in line.items() if k not in _SHOWN)
    path = ascii(line["path"])[1:-1]
    text = f"{time.strftime('%H:%M:%S')} {line['method']} {path} {line['status']} {line['ms']} ms {details}\n"
    return text.encode("utf-8", "backslashreplace")


class Observer:
    """ASGI middleware around a whole service. What it lets through unanswered becomes a 500, logged once; a caller
    who hangs up in the middle of a body is a 499 and no fault of ours."""

    def __init__(self, app: ASGIApp, requests: RequestLog) -> None:
        self._app, self._requests = app, requests
        self._log = structlog.get_logger("http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        trace = self._requests.begin(header(scope, b"traceparent"))
        enter_trace(trace)
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            self._log.debug("the caller went away", path=scope["path"])
        except Exception:
            self._log.exception("unhandled error", path=scope["path"])
            if not status:
                await _send_failure(watch)
        finally:
            seconds, target = (
                time.perf_counter() - begun,
                RequestTarget(scope["method"], scope["path"], route_template(scope)),
            )
            self._requests.answered(target, trace, status or 499, seconds, _details(scope))


def note(scope: Scope, **details: Any) -> None:
    """Have the request's log line say more; what a route knows better than its address does."""
    scope.setdefault(_NOTES, {}).update(details)


def _details(scope: Scope) -> dict[str, Any]:
    """Model and version, where the address names them, and what the route noted."""
    found: dict[str, Any] = {}
    if b"model=" in scope["query_string"]:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        found = {name: query[name][0][:_LONGEST] for name in ("model", "version") if name in query}
    path = scope.get("path_params") or {}
    if "/models/" in route_template(scope):
        found |= {k: str(path[n])[:_LONGEST] for k, n in (("model", "name"), ("version", "version")) if path.get(n)}
    noted: dict[str, Any] = scope.get(_NOTES, {})
    return found | noted


def route_template(scope: Scope) -> str:
    """The template of the route that answered, never the caller's path, which would be an unbounded label."""
    return getattr(scope.get("route"), "path", None) or "unmatched"


def header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


async def _send_failure(send: Send) -> None:
    body = problem_body(500, "internal", "Internal server error")
    headers = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
