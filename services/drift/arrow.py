"""Arrow from numpy, straight into buffers: Arrow's own conversions import pandas where it is installed, for the report
worker, and the web process would carry 50 MB of it for ever."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


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
    """The rows at these places, in this order: by slices, since `take` loads 9 MB of kernels."""
    if not len(rows):
        return table.slice(0, 0)
    starts = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) != 1)
    lengths = np.diff(starts, append=len(rows))
    runs = zip(rows[starts].tolist(), lengths.tolist(), strict=True)
    return pa.concat_tables([table.slice(start, length) for start, length in runs]).combine_chunks()


def _buffer(values: NDArray[np.generic]) -> pa.Buffer:
    return pa.py_buffer(np.ascontiguousarray(values))
