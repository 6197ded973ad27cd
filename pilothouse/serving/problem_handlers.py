"""Has a FastAPI app answer every failure as a problem."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from pilothouse.errors import Fault
from pilothouse.serving.problem import PROBLEM_JSON, ErrorTable, problem_body, response_of


def install_problems(app: FastAPI, errors: ErrorTable) -> None:
    """Answer every failure of `app` as a problem: the table's exceptions, FastAPI's own, and what nobody foresaw."""

    async def mapped(_: Request, error: Exception) -> Response:
        return response_of(errors, error)

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
