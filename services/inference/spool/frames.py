"""The frame: how one record lies in a segment file.

    magic 4 bytes | length 4 | crc32c 4 | schema 8 | payload (length bytes)     integers little-endian

The checksum covers length, schema and payload. `schema` names the manifest that the record was made under (see
`SchemaStore`), `payload` is the record as it goes on the wire: a MessagePack array beginning with the id.
A reader that meets damage searches for the next magic whose frame checks out, so that a flipped bit costs one record.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import google_crc32c
import msgspec

MAGIC = b"PHR1"
_HEADER = struct.Struct("<4sII8s")
_COVERED = struct.Struct("<I8s")
HEADER_BYTES = _HEADER.size
MAX_PAYLOAD = 16 * 1024 * 1024


def encode_frame(schema: bytes, payload: bytes) -> bytes:
    """One frame. `schema` is 8 bytes."""
    length = len(payload)
    return _HEADER.pack(MAGIC, length, _checksum(length, schema, payload), schema) + payload


class Frame(msgspec.Struct, frozen=True):
    schema: bytes
    payload: bytes
    end: int  # offset of the byte after it


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no frame: from `start` to `end`."""

    start: int
    end: int


def read_frames(data: bytes, offset: int = 0, *, complete: bool) -> Iterator[Frame | Damage]:
    """Frames and damaged ranges of `data` from `offset`, in order.

    With `complete` the data is all there will ever be, and a torn end is damage; without, it may still be written
    and reading stops before it.
    """
    position = offset
    while position < len(data):
        frame = _frame_at(data, position)
        if frame:
            yield frame
            position = frame.end
            continue
        following = _resync(data, position + 1)
        if following is None:
            if complete:
                yield Damage(position, len(data))
            return
        yield Damage(position, following)
        position = following


def _frame_at(data: bytes, position: int) -> Frame | None:
    if len(data) - position < HEADER_BYTES:
        return None
    magic, length, checksum, schema = _HEADER.unpack_from(data, position)
    start = position + HEADER_BYTES
    end = start + length
    if magic != MAGIC or length > MAX_PAYLOAD or end > len(data):
        return None
    payload = data[start:end]
    return Frame(schema, payload, end) if _checksum(length, schema, payload) == checksum else None


def _resync(data: bytes, position: int) -> int | None:
    """Offset of the next frame that checks out, or None."""
    while (position := data.find(MAGIC, position)) >= 0:
        if _frame_at(data, position):
            return position
        position += 1
    return None


def _checksum(length: int, schema: bytes, payload: bytes) -> int:
    checksum: int = google_crc32c.extend(_checksum_of_head(length, schema), payload)
    return checksum


@lru_cache(maxsize=4096)
def _checksum_of_head(length: int, schema: bytes) -> int:
    """Remembered: the records of a model have few lengths."""
    return int(google_crc32c.value(_COVERED.pack(length, schema)))
