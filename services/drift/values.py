"""Columns as they come (Arrow, of any type) to what can be compared: finite numbers, or names of categories.

Nothing here raises for a value: what is no number where one belongs becomes missing, and is counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from services.drift.scores import Numbers

SECONDS_A_DAY = 86_400
MISSING = "(missing)"
PRESENT = "(present)"
_UNITS_A_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_NUMPY_TYPES = {
    "halffloat": "f2", "float": "f4", "double": "f8", "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NumberValues:
    """`values` (rows,) has NaN for what is missing; `unusable` is the share that was given but is no finite number."""

    values: Numbers
    unusable: float


def read_numbers(column: pa.ChunkedArray) -> NumberValues:
    """Numbers of a column; a datetime is days since 1970-01-01 UTC, a boolean 0 or 1, a string is parsed."""
    raw = _as_floats(column)
    infinite = np.isinf(raw)
    return NumberValues(np.where(infinite, np.nan, raw), float(infinite.mean()) if len(raw) else 0.0)


def _as_floats(column: pa.ChunkedArray) -> Numbers:
    if pa.types.is_temporal(column.type) or pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        chunks = [chunk_floats(chunk) for chunk in column.chunks]
        return np.concatenate([np.empty(0), *chunks]) / _units_a_day(column.type)
    return np.array([_parse(value) for value in column.to_pylist()], dtype=np.float64)


def chunk_floats(chunk: pa.Array) -> Numbers:
    """Numbers of one chunk, NaN for none, straight from Arrow's buffers: its own conversions import pandas and compute
    kernels, 40 MB each."""
    validity, data = chunk.buffers()
    part = slice(chunk.offset, chunk.offset + len(chunk))
    values = np.frombuffer(data, _NUMPY_TYPES.get(str(chunk.type), f"i{chunk.type.bit_width // 8}"))[part]
    numbers = values.astype(np.float64)
    if chunk.null_count:
        valid = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[part]
        numbers[valid == 0] = np.nan
    return numbers


def _units_a_day(kind: pa.DataType) -> float:
    """What a moment's integer is divided by to give days; 1 for plain numbers."""
    if pa.types.is_timestamp(kind):
        return SECONDS_A_DAY * _UNITS_A_SECOND[kind.unit]
    return SECONDS_A_DAY * 1000 if pa.types.is_date64(kind) else 1


def _parse(value: object) -> float:
    """A number written as a string, or a Decimal; infinity, which counts as unusable, for everything else."""
    if value is None:
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]  # whether it can be one is the question
    except (TypeError, ValueError, OverflowError):
        return math.inf


def read_names(column: pa.ChunkedArray) -> list[str]:
    """Names of categories (rows,), `MISSING` for none."""
    return [category_name(value) for value in column.to_pylist()]


def category_name(value: object) -> str:
    """Booleans are `true` and `false`, 3.0 is `3`, None and NaN are missing."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return MISSING if math.isnan(value) else f"{value:.12g}"
    return str(value)
