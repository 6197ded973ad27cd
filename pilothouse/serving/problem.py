"""Errors as RFC 9457 problem+json, from one table of exceptions a service. Free of FastAPI, so that the page can have
them too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.responses import Response

from pilothouse.errors import Fault
from pilothouse.serving.trace import current_trace

PROBLEM_JSON = "application/problem+json"
_PREFIX = "urn:pilothouse:problem:"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a domain exception is over HTTP. `slug` names the kind of problem for programs, `title` for people."""

    status: int
    slug: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)


ErrorTable = Mapping[type[Exception], Entry]


def find_entry(errors: ErrorTable, error: Exception) -> Entry | None:
    """The entry of the exception's class or of its nearest mapped base."""
    return next((errors[kind] for kind in type(error).__mro__ if kind in errors), None)


def problem_body(
    status: int, slug: str, title: str, detail: str | None = None, faults: Iterable[Fault] = (), **more: Any
) -> bytes:
    """The JSON of a problem; `faults` become `errors`, each with the path of the bad field."""
    body: dict[str, Any] = {"type": _PREFIX + slug, "title": title, "status": status}
    if detail:
        body["detail"] = _clean(detail)
    listed = [{"path": _clean(f.path), "code": f.code, "message": _clean(f.message)} for f in faults]
    if listed:
        body["errors"] = listed
    trace = current_trace()
    if trace:
        body["trace_id"] = trace.trace_id
    return msgspec.json.encode(body | more)


def problem_of(entry: Entry, error: Exception) -> bytes:
    """The body for an exception that the table maps."""
    return problem_body(entry.status, entry.slug, entry.title, str(error), getattr(error, "faults", ()))


def response_of(errors: ErrorTable, error: Exception) -> Response:
    """The answer for an exception that the table maps; any other is raised."""
    entry = find_entry(errors, error)
    if entry is None:
        raise error
    return Response(problem_of(entry, error), entry.status, dict(entry.headers), PROBLEM_JSON)


def problem(status: int, slug: str, title: str, detail: str | None = None, **more: Any) -> Response:
    return Response(problem_body(status, slug, title, detail, **more), status, media_type=PROBLEM_JSON)


def _clean(text: str) -> str:
    """Lone surrogates cannot be encoded; they are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
