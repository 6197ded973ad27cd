"""Lists of what happened, the newest first, filtered by what the caller gave, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from services.collector.database import Database

Wanted = tuple[sa.ColumnElement[Any], Callable[[Any, Any], Any], Any]


async def newest_first(
    database: Database, table: sa.Table, wanted: list[Wanted], *, before: int | None, limit: int
) -> tuple[list[sa.Row[Any]], int | None]:
    """Rows by falling `seq` below `before`, where every `wanted` (column, operator, value) with a value holds.

    The second part is the next `before`, None at the end.
    """
    chosen = [compare(column, value) for column, compare, value in wanted if value is not None]
    statement = sa.select(table).where(*chosen).order_by(table.c.seq.desc()).limit(limit)
    if before is not None:
        statement = statement.where(table.c.seq < before)
    async with database.reading() as connection:
        rows = list((await connection.execute(statement)).all())
    return rows, rows[-1].seq if len(rows) == limit else None
