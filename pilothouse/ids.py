"""Record ids: UUIDv7 (RFC 9562), which are also the time axis of the log.

The first 48 bits are milliseconds since the epoch, so that a window of time is a range of ids; the other bits are
random, so that a sample can be drawn by them. A record's `at` is its id's timestamp and nothing else.
"""

from __future__ import annotations

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
    random = int.from_bytes(os.urandom(10)) & _RANDOM_BITS
    return (milliseconds << 80 | _VERSION_AND_VARIANT | random).to_bytes(16)


def time_ms(record_id: uuid.UUID) -> int:
    """Milliseconds since the epoch at which the id was made."""
    return record_id.int >> 80


def floor_id(at_ms: int) -> uuid.UUID:
    """The smallest UUIDv7 of that millisecond: `floor_id(start) <= id < floor_id(end)` is a window of time."""
    return uuid.UUID(int=max(at_ms, 0) << 80 | _VERSION_AND_VARIANT)


def is_uuid7(record_id: uuid.UUID) -> bool:
    return record_id.version == 7
