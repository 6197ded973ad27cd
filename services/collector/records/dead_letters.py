"""Records and events that were refused, with the reason, for somebody to look at."""

from __future__ import annotations

import hashlib
from operator import eq
from typing import Any

from pilothouse.wire.records import DeadLetter
from services.collector.errors import printable
from services.collector.store import tables
from services.collector.store.database import Database, Wanted
from services.collector.times import to_iso

_LETTERS = tables.dead_letters


class DeadLetters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, model: str | None, version: str | None, code: str | None, before: int | None, limit: int
    ) -> tuple[list[DeadLetter], int | None]:
        """Dead letters, the newest first, and where to go on (`before`)."""
        columns = _LETTERS.c
        wanted: list[Wanted] = [(columns.model, eq, model), (columns.version, eq, version), (columns.code, eq, code)]
        rows, following = await self._database.newest_first(_LETTERS, wanted, before=before, limit=limit)
        letters = [
            DeadLetter(r.seq, to_iso(r.at), r.model, r.version, r.record_id, r.code, r.message, r.payload) for r in rows
        ]
        return letters, following


def letter_row(
    key: tuple[str, str], code: str, message: str, payload: str, *, now: int, record_id: str | None = None,
    digest_of: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A row of the table, of the model version `key`. `payload` is what was refused, as ASCII JSON.

    What is refused again has the same digest, of `digest_of` or the payload: it is set aside once.
    """
    model, version = key
    return {
        "digest": hashlib.sha256(f"{model}/{version}:{digest_of or payload}".encode()).hexdigest(),
        "at": now,
        "model": model,
        "version": version,
        "record_id": record_id,
        "code": code,
        "message": printable(message, 1000),
        "payload": payload,
    }
