"""Arrow columns to numpy and back: finite numbers, names of categories, vectors.

Nothing here raises for a value: what is no number where one belongs becomes missing, and is counted. Buffers are read
and written directly. Arrow's own conversions import pandas, which is installed for the report worker and would cost
the web process 50 MB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
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

    values: Floats
    unusable: float


def read_numbers(column: pa.ChunkedArray) -> NumberValues:
    """Floats of a column; a datetime is days since 1970-01-01 UTC, a boolean 0 or 1, a string is parsed."""
    raw = _as_floats(column)
    infinite = np.isinf(raw)
    return NumberValues(np.where(infinite, np.nan, raw), float(infinite.mean()) if len(raw) else 0.0)


def _as_floats(column: pa.ChunkedArray) -> Floats:
    if pa.types.is_temporal(column.type) or pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        chunks = [chunk_floats(chunk) for chunk in column.chunks]
        return np.concatenate([np.empty(0), *chunks]) / _units_a_day(column.type)
    return np.array([_parse(value) for value in column.to_pylist()], dtype=np.float64)


def chunk_floats(chunk: pa.Array) -> Floats:
    """Floats of one chunk, NaN for none, straight from Arrow's buffers: its own conversions import pandas and compute
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


def read_vectors(column: pa.ChunkedArray, size: int) -> Vectors:
    """(rows, size). A row that is missing, of another length, or not finite throughout, is NaN throughout."""
    chunks = [_chunk_vectors(chunk, size) for chunk in column.chunks]
    vectors = np.concatenate([np.empty((0, size), np.float32), *chunks])
    vectors[~np.isfinite(vectors).all(axis=1)] = np.nan
    return vectors


def usable(vectors: Vectors) -> NDArray[np.bool_]:
    """(rows,) whether the row has a vector."""
    return ~np.isnan(vectors[:, 0])


def _chunk_vectors(chunk: pa.Array, size: int) -> Vectors:
    vectors = np.full((len(chunk), size), np.nan, np.float32)
    starts, lengths = _list_starts(chunk)
    if starts is not None:
        full = (lengths == size) & _valid(chunk)
        with np.errstate(over="ignore"):  # beyond float32 becomes infinite, which is not usable
            values = chunk_floats(chunk.values).astype(np.float32)
        vectors[full] = values[starts[full, None] + np.arange(size)]
    return vectors


def _list_starts(chunk: pa.Array) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
    """Where each row's values begin among all of them, and how many they are; None when these are no lists of
    numbers."""
    kind, rows = chunk.type, len(chunk)
    nothing = np.zeros(rows, np.int64)
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not lists or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        return None, nothing
    if pa.types.is_fixed_size_list(kind):
        starts = (np.arange(rows, dtype=np.int64) + chunk.offset) * kind.list_size
        return starts, nothing + kind.list_size
    width = np.int64 if pa.types.is_large_list(kind) else np.int32
    ends = np.frombuffer(chunk.buffers()[1], width)[chunk.offset : chunk.offset + rows + 1].astype(np.int64)
    return ends[:-1], np.diff(ends)


def _valid(chunk: pa.Array) -> NDArray[np.bool_]:
    validity = chunk.buffers()[0]
    if validity is None:
        return np.ones(len(chunk), bool)
    bits = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
    valid: NDArray[np.bool_] = bits[chunk.offset : chunk.offset + len(chunk)].astype(bool)
    return valid


def number_array(values: NDArray[np.floating]) -> pa.Array:
    """Float64; NaN stays NaN."""
    return pa.Array.from_buffers(pa.float64(), len(values), [None, _buffer(np.asarray(values, np.float64))])


def text_array(values: Sequence[str | None]) -> pa.Array:
    encoded = [b"" if v is None else v.encode("utf-8", "replace") for v in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    there = np.packbits(np.array([v is not None for v in values], bool), bitorder="little")
    buffers = [_buffer(there), _buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(values), buffers)


def take_rows(table: pa.Table, rows: NDArray[np.integer]) -> pa.Table:
    """The rows at these positions, in this order: by slices, since `take` loads 9 MB of kernels."""
    if not len(rows):
        return table.slice(0, 0)
    starts = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) != 1)
    lengths = np.diff(starts, append=len(rows))
    runs = zip(rows[starts].tolist(), lengths.tolist(), strict=True)
    return pa.concat_tables([table.slice(start, length) for start, length in runs]).combine_chunks()


def _buffer(values: NDArray[np.generic]) -> pa.Buffer:
    return pa.py_buffer(np.ascontiguousarray(values))
