"""Logs: one JSON object a line on standard output, or readable text, for everything the process says."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

import msgspec
import structlog
from structlog.typing import EventDict, Processor

from pilothouse.serving.trace import current_trace

_encoder = msgspec.json.Encoder(enc_hook=str)


def configure_logs(service: str, level: str, log_format: Literal["json", "text"]) -> None:
    """Send structlog's and the standard library's records, the server's among them, through one renderer."""

    def add_service(_: Any, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        _add_trace,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    renderer = _render_json if log_format == "json" else _render_text
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], foreign_pre_chain=shared
    )
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx2", "httpcore2", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _add_trace(_: Any, __: str, event: EventDict) -> EventDict:
    trace = current_trace()
    if trace:
        event.setdefault("trace_id", trace.trace_id)
    return event


def _render_json(_: Any, __: str, event: EventDict) -> str:
    return _encoder.encode({str(k): v for k, v in event.items()}).decode()


def _render_text(_: Any, __: str, event: EventDict) -> str:
    time = str(event.pop("timestamp", ""))[11:19]
    level, message = event.pop("level", ""), event.pop("event", "")
    exception = event.pop("exception", None)
    event.pop("service", None)
    event.pop("trace_id", None)
    details = " ".join(f"{key}={value}" for key, value in event.items())
    line = f"{time} {level:<7} {message} {details}".rstrip()
    return f"{line}\n{exception}" if exception else line
