"""Records that were refused, with the reason, for somebody to look at."""

from __future__ import annotations

from operator import eq
from typing import Any

import sqlalchemy as sa

from services.collector import tables
from services.collector.database import Database
from services.collector.listing import Wanted, newest_first
from services.collector.moment import to_iso

_LETTERS = tables.dead_letters


class DeadLetters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, model: str | None, version: str | None, code: str | None, before: int | None, limit: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Dead letters, the newest first, and where to go on (`before`). `payload` is the record as JSON text."""
        wanted: list[Wanted] = [
            (_LETTERS.c.model, eq, model),
            (_LETTERS.c.version, eq, version),
            (_LETTERS.c.code, eq, code),
        ]
        rows, following = await newest_first(self._database, _LETTERS, wanted, before=before, limit=limit)
        return [_shown(row) for row in rows], following


def _shown(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "id": row.seq,
        "at": to_iso(row.at),
        "model": row.model,
        "version": row.version,
        "record_id": row.record_id,
        "code": row.code,
        "message": row.message,
        "payload": row.payload,
    }
