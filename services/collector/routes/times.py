"""A moment in a query: ISO 8601 or milliseconds since the epoch."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from services.collector.moment import parse_ms


def _parse(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # A `+` that was not escaped arrives as a space; no other part of a moment has one after the time.
    return parse_ms(value.strip().replace(" ", "+") if "T" in value else value.strip())


Moment = Annotated[int, BeforeValidator(_parse)]
