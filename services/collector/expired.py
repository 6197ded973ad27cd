"""Deleting what is too old, a bounded number of rows in each transaction, where a day is not a partition to drop."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pilothouse.ids import floor_id
from services.collector.moment import DAY_MS
from services.collector.record_table import RecordTable

ROWS = 5_000  # some 50 ms of SQLite's one writer, on the slow machine where this was measured


async def delete_some(
    connection: AsyncConnection, table: RecordTable, native_id: Callable[[uuid.UUID], Any], day: int
) -> bool:
    """Delete up to ROWS of a day's records; whether none is left."""
    identity = table.table.c.id
    start, end = (native_id(floor_id(d * DAY_MS)) for d in (day, day + 1))
    return await delete_where(connection, identity, sa.and_(identity >= start, identity < end))


async def delete_where(connection: AsyncConnection, key: sa.Column[Any], condition: sa.ColumnElement[bool]) -> bool:
    """Delete up to ROWS rows of the table of `key`, its primary key; whether none is left."""
    some = sa.select(key).where(condition).limit(ROWS)
    deleted = await connection.execute(sa.delete(key.table).where(key.in_(some)))
    return deleted.rowcount < ROWS
