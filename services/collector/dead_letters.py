"""Records that were refused, with the reason, for somebody to look at."""

from __future__ import annotations

import hashlib
import json
from operator import eq
from typing import Any

import sqlalchemy as sa

from pilothouse.wire.records import DeadLetter
from services.collector import tables
from services.collector.checks import printable
from services.collector.database import Database
from services.collector.events.errors import RefusedEventError
from services.collector.listing import Wanted, newest_first
from services.collector.moment import to_iso

_LETTERS = tables.dead_letters
_EVENT_BYTES = 4_000  # of each half of an event that are kept


class DeadLetters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, model: str | None, version: str | None, code: str | None, before: int | None, limit: int
    ) -> tuple[list[DeadLetter], int | None]:
        """Dead letters, the newest first, and where to go on (`before`). `payload` is the record as JSON text."""
        wanted: list[Wanted] = [
            (_LETTERS.c.model, eq, model),
            (_LETTERS.c.version, eq, version),
            (_LETTERS.c.code, eq, code),
        ]
        rows, following = await newest_first(self._database, _LETTERS, wanted, before=before, limit=limit)
        return [_shown(row) for row in rows], following


def _shown(row: sa.Row[Any]) -> DeadLetter:
    return DeadLetter(
        row.seq, to_iso(row.at), row.model, row.version, row.record_id, row.code, row.message, row.payload
    )


def event_letter(
    address: tuple[str, str | None], event_id: str, error: RefusedEventError, bodies: dict[str, bytes | None], now: int
) -> dict[str, Any]:
    """An event that cannot become records, as a row; `address` is the model and the version it is said to be of."""
    shown = {name: _text(body) for name, body in bodies.items() if body is not None}
    payload = json.dumps({"id": printable(event_id, 200), **shown}, ensure_ascii=True)
    model, version = printable(address[0], 120), printable(address[1] or "", 120)
    return {
        "digest": hashlib.sha256(f"{model}/{version}:{error.code}:{payload}".encode()).hexdigest(),
        "at": now,
        "model": model,
        "version": version,
        "record_id": None,
        "code": error.code,
        "message": printable(str(error), 1000),
        "payload": payload,
    }


def _text(body: bytes) -> str:
    return body[:_EVENT_BYTES].decode("utf-8", "backslashreplace")
