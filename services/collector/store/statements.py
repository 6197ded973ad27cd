"""SQL that several tables need, the same on both databases."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from pilothouse.ids import floor_id
from services.collector.store import tables
from services.collector.store.record_table import RecordTable
from services.collector.times import DAY_MS

DELETED_ROWS = 5_000  # some 50 ms of SQLite's one writer, on the slow machine where this was measured


def insert_into(connection: AsyncConnection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_new(connection: AsyncConnection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Rows that break no unique constraint; the others are there already."""
    return insert_into(connection, table).on_conflict_do_nothing()


def insert_or_update(
    connection: AsyncConnection, table: sa.Table, key: Sequence[str], names: Iterable[str],
    where: Callable[[Any], sa.ColumnElement[bool]] | None = None,
) -> postgresql.Insert | sqlite.Insert:  # fmt: skip
    """Rows of which those with a known `key` replace the columns `names`, where `where`, given the new row, holds."""
    statement = insert_into(connection, table)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=key, set_={name: new[name] for name in names}, where=None if where is None else where(new)
    )


def insert_or_add(
    connection: AsyncConnection, table: sa.Table, key: Sequence[str], counter: str
) -> postgresql.Insert | sqlite.Insert:
    """Rows of which those with a known `key` add to what the column `counter` has."""
    statement = insert_into(connection, table)
    added = table.c[counter] + statement.excluded[counter]
    return statement.on_conflict_do_update(index_elements=key, set_={counter: added})


def of_model(
    columns: ReadOnlyColumnCollection[str, sa.Column[Any]], model: str, version: str, day: int | None = None
) -> sa.ColumnElement[bool]:
    """Rows of a model version, or of one of its days (since 1970-01-01)."""
    own = sa.and_(columns.model == model, columns.version == version)
    return own if day is None else sa.and_(own, columns.day == day)


async def take_lease(connection: AsyncConnection, name: str, holder: str, *, now: int, until: int) -> sa.Row[Any]:
    """Take a lease that is free, or keep one's own, until then; the row says whose it is."""
    leases = tables.leases
    free = sa.or_(leases.c.until <= now, leases.c.holder == holder)
    statement = insert_or_update(connection, leases, ["name"], ["holder", "until"], lambda _: free)
    await connection.execute(statement.values(name=name, holder=holder, until=until))
    return (await connection.execute(sa.select(leases).where(leases.c.name == name))).one()


async def delete_some(
    connection: AsyncConnection, table: RecordTable, native_id: Callable[[uuid.UUID], Any], day: int
) -> bool:
    """Delete up to DELETED_ROWS of a day's records; whether none is left."""
    identity = table.table.c.id
    start, end = (native_id(floor_id(d * DAY_MS)) for d in (day, day + 1))
    return await delete_where(connection, identity, sa.and_(identity >= start, identity < end))


async def delete_where(connection: AsyncConnection, key: sa.Column[Any], condition: sa.ColumnElement[bool]) -> bool:
    """Delete up to DELETED_ROWS rows of the table of `key`, its primary key; whether none is left."""
    some = sa.select(key).where(condition).limit(DELETED_ROWS)
    deleted = await connection.execute(sa.delete(key.table).where(key.in_(some)))
    return deleted.rowcount < DELETED_ROWS
