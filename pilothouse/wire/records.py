"""The record on the wire: what inference ships, and what anybody with the `ingest` scope may post.

A batch names its columns once and holds rows in that order, which halves its size and lets the collector hand the
rows to COPY as they are. In MessagePack an id is 16 bytes, a datetime integer milliseconds since the epoch and an
embedding little-endian float32 bytes; in JSON they are a string, ISO 8601 (or milliseconds) and a list of numbers.
"""

from __future__ import annotations

from typing import Any

import msgspec

MSGPACK = "application/msgpack"


class Batch(msgspec.Struct, frozen=True):
    """Records of one model version. `columns` begins with `id`; every row has as many values as there are columns."""

    model: str
    version: str
    columns: list[str]
    rows: list[list[Any]]


class Batches(msgspec.Struct, frozen=True):
    """The body of `POST /v1/records`: stored in one transaction."""

    batches: list[Batch]


class NamedRecords(msgspec.Struct, frozen=True):
    """The form for people, JSON only: each record an object of columns."""

    model: str
    version: str
    records: list[dict[str, Any]]

    def as_batch(self) -> Batch:
        """The same records with columns named once; a key that only some of them have is None in the others."""
        names = dict.fromkeys(key for record in self.records for key in record)
        columns = ["id", *(n for n in names if n != "id")]
        return Batch(self.model, self.version, columns, [[r.get(c) for c in columns] for r in self.records])


class Rejected(msgspec.Struct, frozen=True):
    """A record that was set aside: its place in the request, and why. `code` is a stable word."""

    id: str | None
    batch: int
    row: int
    code: str
    message: str


class IngestResult(msgspec.Struct, frozen=True):
    """What became of a request's records; accepted + duplicates + rejected is what was sent."""

    accepted: int
    duplicates: int
    rejected: list[Rejected] = []


class RecordPage(msgspec.Struct, frozen=True):
    """A page of `GET /v1/records` as JSON. `next` is the cursor of the following page, None at the end.

    `total` is how many records the window holds, where a sample or the last so many were asked for.
    """

    columns: list[str]
    records: list[dict[str, Any]]
    next: str | None = None
    model: str = ""
    version: str = ""
    total: int | None = None


class DeadLetter(msgspec.Struct, frozen=True):
    """A record or an event that was refused, and why. `payload` is what was sent, as JSON text."""

    id: int
    at: str
    model: str
    version: str
    record_id: str | None
    code: str
    message: str
    payload: str


class DeadLetterPage(msgspec.Struct, frozen=True):
    """Dead letters, the newest first; `next` is the cursor of the following page, None at the end."""

    dead_letters: list[DeadLetter]
    next: int | None = None


class EventResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a CloudEvent: `waiting`, `joined`, `repeated` or `set_aside` (with `code` and `message`)."""

    outcome: str
    accepted: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = []
    code: str | None = None
    message: str | None = None
