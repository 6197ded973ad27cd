"""Columns of vectors as they come (Arrow lists of any kind) to one array. Nothing here raises for a value."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.drift.values import chunk_floats

Vectors = NDArray[np.float32]


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
    starts, lengths = _places(chunk)
    if starts is not None:
        whole = (lengths == size) & _valid(chunk)
        with np.errstate(over="ignore"):  # beyond float32 becomes infinite, which is not usable
            values = chunk_floats(chunk.values).astype(np.float32)
        vectors[whole] = values[starts[whole, None] + np.arange(size)]
    return vectors


def _places(chunk: pa.Array) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
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
