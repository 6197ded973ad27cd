"""Vectors: little-endian float32 as bytes, which is how they travel, to and from numbers and Arrow.

Arrow has wheels for little-endian machines alone, so the machine's own order is the right one.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

_BYTES = 4


def all_finite(vectors: bytes) -> bool:
    """Whether there is no NaN and no infinity in any of them."""
    return pc.all(pc.is_finite(to_arrow(vectors)), min_count=0).as_py() is True


def to_arrow(vectors: bytes) -> pa.Array:
    """One array of all their numbers, without a copy."""
    return pa.Array.from_buffers(pa.float32(), len(vectors) // _BYTES, [None, pa.py_buffer(vectors)])


def to_list(vector: bytes) -> list[float]:
    return array("f", vector).tolist()


def from_numbers(numbers: Iterable[float]) -> bytes:
    """Of numbers that are float32 already."""
    return array("f", numbers).tobytes()
