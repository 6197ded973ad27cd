"""Spool directories as a dead worker leaves them, written by the code under test or kept from an earlier release."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from pilothouse.ids import uuid7_bytes
from pilothouse.package import open_package
from services.inference.spool.schemas import SchemaStore
from services.inference.spool.segments import SpoolWriter, encode_frame
from testkit.faults.rig import HOUSE

# 1995-06-01, then as in the manifest: x, y, year, stories, wall, living, lot, frontage, rooms, beds, baths, halfbaths,
# garage, garage_m2, prediction
_VALUES = (
    801_964_800_000,
    508_000,
    222_000,
    1950,
    "one",
    "brick",
    120.0,
    650.0,
    15.0,
    6,
    3,
    1,
    1,
    "detached",
    37.0,
    640.0,
)


def house_record(record_id: bytes | None = None, source: str | None = "spooled") -> tuple[bytes, bytes]:
    """An id, and the payload of a record of house-prices."""
    key = record_id or uuid7_bytes()
    return key, msgspec.msgpack.encode((key, 0.5, source, None, *_VALUES))


def leave(spool: Path, name: str, payloads: Iterable[bytes]) -> None:
    """A dead worker's directory below `spool` with these records."""
    schema = SchemaStore(spool / "schemas").put(open_package(HOUSE).manifest)
    writer = SpoolWriter(spool / "workers" / name, "process", 10**9, 4_000)
    for payload in payloads:
        writer.append(encode_frame(schema, payload))
    writer.close()
