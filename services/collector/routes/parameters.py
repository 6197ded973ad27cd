"""Query parameters that several routes take, and who may call them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BeforeValidator

from pilothouse.serving.auth import require
from services.collector.times import parse_ms


def _parse(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # A `+` that was not escaped arrives as a space; no other part of a time has one after it.
    return parse_ms(value.strip().replace(" ", "+") if "T" in value else value.strip())


READ, INGEST, ADMIN = ([Depends(require(scope))] for scope in ("read", "ingest", "admin"))
Moment = Annotated[int, BeforeValidator(_parse)]  # ISO 8601 or milliseconds since the epoch
ShortText = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[int | None, Query(ge=1, le=2**62, description="`next` of an earlier answer")]
