"""Whether values fit a column, refused alike for both databases before either sees them.

Each kind has a test of a whole column, which is all that a healthy batch needs, and a check value by value, which
converts what may be converted and names what may not. A test holds the two together.

What leaves here (canonical values): float, int, bool, str, datetimes as integer milliseconds, vectors as
little-endian float32 bytes; None is a missing value everywhere.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

from pilothouse.columns import Column
from services.collector.errors import printable
from services.collector.store import vectors
from services.collector.times import EARLIEST_MS, LATEST_MS, read_ms

TEXT_LIMIT = 16_384
_MISSING = type(None)
_INT64 = range(-(2**63), 2**63)


class RefusedValueError(ValueError):
    """A value that does not fit. `code` is a stable word; the message does not repeat the column's name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


Refused = dict[int, RefusedValueError]


def check_column(column: Column, values: Sequence[Any]) -> tuple[list[Any], Refused]:
    """The canonical values, and which rows were refused (there, the value is None)."""
    kinds = set(map(type, values))
    present = [v for v in values if v is not None] if _MISSING in kinds else values
    canonical, healthy = _HEALTHY[column.kind]
    if not present or (kinds <= {canonical, _MISSING} and healthy(column, present)):
        return list(values), {}
    kept: list[Any] = [None] * len(values)
    refused: Refused = {}
    check = _CHECKS[column.kind]
    for row, value in enumerate(values):
        try:
            kept[row] = None if value is None else check(column, value)
        except RefusedValueError as error:
            refused[row] = error
    return kept, refused


def _are_texts(_: Column, values: Sequence[str]) -> bool:
    joined = "".join(values)
    short = len(joined) <= TEXT_LIMIT or max(map(len, values)) <= TEXT_LIMIT
    return short and "\0" not in joined and (joined.isascii() or _encodable(joined))


def _are_vectors(column: Column, values: Sequence[bytes]) -> bool:
    return set(map(len, values)) == {4 * (column.size or 0)} and vectors.all_finite(b"".join(values))


def _check_number(_: Column, value: Any) -> float:
    if type(value) is int:
        return float(_check_integer(_, value))
    if type(value) is not float:
        raise RefusedValueError("type", f"must be a number, not {_name(value)}")
    if not math.isfinite(value):
        raise RefusedValueError("not_finite", "must be a finite number")
    return value


def _check_integer(_: Column, value: Any) -> int:
    if type(value) is not int:
        if isinstance(value, float) and not math.isfinite(value):
            raise RefusedValueError("not_finite", "must be a finite whole number")
        raise RefusedValueError("type", f"must be a whole number, not {_name(value)}")
    if value not in _INT64:
        raise RefusedValueError("too_large", "must fit 64 bits")
    return value


def _check_boolean(_: Column, value: Any) -> bool:
    if type(value) is not bool:
        raise RefusedValueError("type", f"must be true or false, not {_name(value)}")
    return value


def check_text(value: Any) -> str:
    """Text that both databases can hold. Raises RefusedValueError."""
    if type(value) is not str:
        raise RefusedValueError("type", f"must be text, not {_name(value)}")
    if len(value) > TEXT_LIMIT:
        raise RefusedValueError("too_long", f"must have at most {TEXT_LIMIT} characters, has {len(value)}")
    if "\0" in value:
        raise RefusedValueError("nul", "must not hold the NUL character")
    if not _encodable(value):
        raise RefusedValueError("not_unicode", "must be Unicode without lone surrogates or stray bytes")
    return value


def check_time(value: Any) -> int:
    """Milliseconds since the epoch, of ISO 8601 or milliseconds. Raises RefusedValueError."""
    try:
        return read_ms(value)
    except TypeError:
        raise RefusedValueError("type", f"must be ISO 8601 or milliseconds, not {_name(value)}") from None
    except ValueError as error:
        raise RefusedValueError("not_a_time", f"must be ISO 8601 or milliseconds: {printable(str(error))}") from None


def _check_vector(column: Column, value: Any) -> bytes:
    size = column.size or 0
    if isinstance(value, list):
        if not all(type(v) in (float, int) for v in value):
            raise RefusedValueError("type", "must be a list of numbers")
        value = _pack_vector(value)
    if type(value) is not bytes:
        raise RefusedValueError("type", f"must be {size} numbers, not {_name(value)}")
    if len(value) != 4 * size:
        raise RefusedValueError("length", f"must be {size} numbers, has {len(value) / 4:g}")
    if not vectors.all_finite(value):
        raise RefusedValueError("not_finite", "must hold finite numbers")
    return value


def _pack_vector(values: list[float]) -> bytes:
    try:
        return struct.pack(f"<{len(values)}f", *values)
    except OverflowError:
        raise RefusedValueError("too_large", "must hold numbers that fit a float32") from None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_NAMES = {
    _MISSING: "null", bool: "a boolean", int: "a whole number", float: "a number", str: "text", bytes: "bytes",
    list: "a list", dict: "an object",
}  # fmt: skip


def _name(value: Any) -> str:
    return _NAMES.get(type(value), type(value).__name__)


# Of each kind, the type of its canonical values, and whether all of these values may be stored, at a glance.
_HEALTHY: dict[str, tuple[type, Callable[[Column, Sequence[Any]], bool]]] = {
    # one NaN or infinity makes the sum one; a sum that overflows only costs the slow way
    "number": (float, lambda _, values: math.isfinite(sum(values))),
    "integer": (int, lambda _, values: min(values) in _INT64 and max(values) in _INT64),
    "boolean": (bool, lambda _, values: True),
    "category": (str, _are_texts),
    "text": (str, _are_texts),
    "datetime": (int, lambda _, values: min(values) >= EARLIEST_MS and max(values) <= LATEST_MS),
    "vector": (bytes, _are_vectors),
}
_CHECKS: dict[str, Callable[[Column, Any], Any]] = {
    "number": _check_number,
    "integer": _check_integer,
    "boolean": _check_boolean,
    "category": lambda _, value: check_text(value),
    "text": lambda _, value: check_text(value),
    "datetime": lambda _, value: check_time(value),
    "vector": _check_vector,
}
