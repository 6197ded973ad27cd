"""Record ids: UUIDv7 (RFC 9562), which are also the time axis of the log.

The first 48 bits are milliseconds since the epoch, so that a window of time is a range of ids; the other bits are
random, so that a sample can be drawn by them. A record's `at` is its id's timestamp and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid

_VERSION_AND_VARIANT = (0x7 << 76) | (0b10 << 62)
_RANDOM_BITS = ((1 << 12) - 1) << 64 | ((1 << 62) - 1)


def uuid7(at_ms: int | None = None) -> uuid.UUID:
    """A new id for the time `at_ms` (milliseconds since the epoch; now when it is None)."""
    return uuid.UUID(bytes=uuid7_bytes(at_ms))


def uuid7_bytes(at_ms: int | None = None) -> bytes:
    """The 16 bytes of a new id: what the log and the wire carry."""
    milliseconds = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    return _assemble(milliseconds, os.urandom(10))


def uuid7_many(count: int) -> list[bytes]:
    """The 16 bytes of as many new ids, all made now."""
    milliseconds = time.time_ns() // 1_000_000
    bits = os.urandom(10 * count)
    return [_assemble(milliseconds, bits[start : start + 10]) for start in range(0, 10 * count, 10)]


def uuid7_from(at_ms: int, seed: str) -> bytes:
    """The 16 bytes of an id that is derived from a moment and a seed, the same every time.

    For records that come without an id of their own, and perhaps more than once.
    """
    return _assemble(at_ms, hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()[:10])


def row_id(first: uuid.UUID, row: int) -> uuid.UUID:
    """The id of one row of an external model's request: `first` is the id of the request, and of its row 0."""
    return first if row == 0 else uuid.UUID(bytes=uuid7_from(time_ms(first), f"{first}/{row}"))


def id_text(record_id: bytes) -> str:
    """The 16 bytes as people write them; `str(uuid.UUID(bytes=...))` in a quarter of its time."""
    digits = record_id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def time_ms(record_id: uuid.UUID) -> int:
    """Milliseconds since the epoch at which the id was made."""
    return record_id.int >> 80


def floor_id(at_ms: int) -> uuid.UUID:
    """The smallest UUIDv7 of that millisecond: `floor_id(start) <= id < floor_id(end)` is a window of time."""
    return uuid.UUID(int=max(at_ms, 0) << 80 | _VERSION_AND_VARIANT)


def _assemble(at_ms: int, bits: bytes) -> bytes:
    return (at_ms << 80 | _VERSION_AND_VARIANT | int.from_bytes(bits) & _RANDOM_BITS).to_bytes(16)


def is_uuid7(record_id: uuid.UUID) -> bool:
    """Whether an id has a time in it."""
    return record_id.version == 7
