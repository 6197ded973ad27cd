"""Whether values fit a column, refused alike for both databases before either sees them.

Each kind has a fast test of a whole column, which is all that a healthy batch needs, and a slow one value by value,
which converts what may be converted and names what may not.

What leaves here (canonical values): float, int, bool, str, datetimes as integer milliseconds, vectors as
little-endian float32 bytes; None is a missing value everywhere.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

from pilothouse.columns import Column
from services.collector import floats
from services.collector.moment import EARLIEST_MS, LATEST_MS, check_ms, parse_ms

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
    if kinds <= {_MISSING}:
        return list(values), {}
    if _FAST[column.kind](column, values, kinds):
        return list(values), {}
    kept: list[Any] = [None] * len(values)
    refused: Refused = {}
    check = _SLOW[column.kind]
    for row, value in enumerate(values):
        try:
            kept[row] = None if value is None else check(column, value)
        except RefusedValueError as error:
            refused[row] = error
    return kept, refused


def _fast_number(_: Column, values: Sequence[Any], kinds: set[type]) -> bool:
    """One NaN or infinity makes the sum one; a sum that overflows only costs the slow way."""
    return kinds <= {float, _MISSING} and math.isfinite(sum(filter(None, values)))


def _fast_integer(_: Column, values: Sequence[Any], kinds: set[type]) -> bool:
    if not kinds <= {int, _MISSING}:
        return False
    present = values if _MISSING not in kinds else [v for v in values if v is not None]
    return min(present) in _INT64 and max(present) in _INT64


def _fast_boolean(_: Column, __: Sequence[Any], kinds: set[type]) -> bool:
    return kinds <= {bool, _MISSING}


def _fast_text(_: Column, values: Sequence[Any], kinds: set[type]) -> bool:
    if not kinds <= {str, _MISSING}:
        return False
    present: list[str] = list(filter(None, values))
    joined = "".join(present)
    short = len(joined) <= TEXT_LIMIT or max(map(len, present)) <= TEXT_LIMIT
    return short and "\0" not in joined and (joined.isascii() or _encodable(joined))


def _fast_datetime(_: Column, values: Sequence[Any], kinds: set[type]) -> bool:
    if not kinds <= {int, _MISSING}:
        return False
    present = [v for v in values if v is not None]
    return bool(min(present) >= EARLIEST_MS and max(present) <= LATEST_MS)


def _fast_vector(column: Column, values: Sequence[Any], kinds: set[type]) -> bool:
    if not kinds <= {bytes, _MISSING}:
        return False
    present = [v for v in values if v is not None]
    if set(map(len, present)) != {4 * (column.size or 0)}:
        return False
    return floats.all_finite(b"".join(present))


def _slow_number(_: Column, value: Any) -> float:
    if type(value) is int:
        return float(_slow_integer(_, value))
    if type(value) is not float:
        raise RefusedValueError("type", f"must be a number, not {_name(value)}")
    if not math.isfinite(value):
        raise RefusedValueError("not_finite", "must be a finite number")
    return value


def _slow_integer(_: Column, value: Any) -> int:
    if type(value) is not int:
        if isinstance(value, float) and not math.isfinite(value):
            raise RefusedValueError("not_finite", "must be a finite whole number")
        raise RefusedValueError("type", f"must be a whole number, not {_name(value)}")
    if value not in _INT64:
        raise RefusedValueError("too_large", "must fit 64 bits")
    return value


def _slow_boolean(_: Column, value: Any) -> bool:
    if type(value) is not bool:
        raise RefusedValueError("type", f"must be true or false, not {_name(value)}")
    return value


def _slow_text(_: Column, value: Any) -> str:
    return check_text(value)


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


def _slow_datetime(_: Column, value: Any) -> int:
    try:
        if type(value) is int:
            return check_ms(value)
        if type(value) is str:
            return parse_ms(value)
    except ValueError as error:
        raise RefusedValueError("not_a_time", f"must be ISO 8601 or milliseconds: {printable(str(error))}") from None
    raise RefusedValueError("type", f"must be ISO 8601 or milliseconds, not {_name(value)}")


def _slow_vector(column: Column, value: Any) -> bytes:
    size = column.size or 0
    if isinstance(value, list):
        if not all(type(v) in (float, int) for v in value):
            raise RefusedValueError("type", "must be a list of numbers")
        value = _pack_vector(value)
    if type(value) is not bytes:
        raise RefusedValueError("type", f"must be {size} numbers, not {_name(value)}")
    if len(value) != 4 * size:
        raise RefusedValueError("length", f"must be {size} numbers, has {len(value) / 4:g}")
    if not floats.all_finite(value):
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


def printable(text: str, length: int = 120) -> str:
    """A caller's text as ASCII, for messages and logs."""
    return text[:length].encode("ascii", "backslashreplace").decode().replace("\0", "\\x00")


_NAMES = {
    _MISSING: "null", bool: "a boolean", int: "a whole number", float: "a number", str: "text", bytes: "bytes",
    list: "a list", dict: "an object",
}  # fmt: skip


def _name(value: Any) -> str:
    return _NAMES.get(type(value), type(value).__name__)


_FAST: dict[str, Callable[[Column, Sequence[Any], set[type]], bool]] = {
    "number": _fast_number,
    "integer": _fast_integer,
    "boolean": _fast_boolean,
    "category": _fast_text,
    "text": _fast_text,
    "datetime": _fast_datetime,
    "vector": _fast_vector,
}
_SLOW: dict[str, Callable[[Column, Any], Any]] = {
    "number": _slow_number,
    "integer": _slow_integer,
    "boolean": _slow_boolean,
    "category": _slow_text,
    "text": _slow_text,
    "datetime": _slow_datetime,
    "vector": _slow_vector,
}
