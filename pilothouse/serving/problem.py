"""Errors as RFC 9457 problem+json, from one table of exceptions a service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

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


def problem(status: int, slug: str, title: str, detail: str | None = None, **more: Any) -> Response:
    return Response(problem_body(status, slug, title, detail, **more), status, media_type=PROBLEM_JSON)


def install_problems(app: FastAPI, errors: ErrorTable) -> None:
    """Answer every failure of `app` as a problem: the table's exceptions, FastAPI's own, and what nobody foresaw."""

    async def mapped(_: Request, error: Exception) -> Response:
        entry = find_entry(errors, error)
        if entry is None:
            raise error
        return Response(problem_of(entry, error), entry.status, dict(entry.headers), PROBLEM_JSON)

    for kind in errors:
        app.add_exception_handler(kind, mapped)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != title else None
    body = problem_body(error.status_code, title.lower().replace(" ", "-"), title, detail)
    return Response(body, error.status_code, error.headers, PROBLEM_JSON)


async def _validation(_: Request, error: Exception) -> Response:
    """FastAPI's own body would echo the caller's value, which NaN or a lone surrogate turns into a 500."""
    assert isinstance(error, RequestValidationError)
    faults = [Fault(_path(e["loc"]), str(e["type"]), str(e["msg"])) for e in error.errors()]
    detail = "; ".join(f"{f.path}: {f.message}" for f in faults[:5])
    return Response(problem_body(422, "invalid", "Invalid request", detail, faults), 422, media_type=PROBLEM_JSON)


def _path(location: tuple[Any, ...]) -> str:
    parts = [f"[{p}]" if isinstance(p, int) else f".{p}" for p in location if p not in ("body", "query", "path")]
    return "".join(parts).lstrip(".")


def _clean(text: str) -> str:
    """Lone surrogates cannot be encoded; they are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
