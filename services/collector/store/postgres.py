"""PostgreSQL: COPY, daily partitions by range of id, advisory locks.

Tables of engines that have no such partitions are made without them (`partitions=False`). What a table is, is asked of
the database, so that changing the setting later makes new tables otherwise and leaves old ones as they are.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import asyncpg
import sqlalchemy as sa
from asyncpg.pgproto.pgproto import UUID as NativeId  # noqa: N811 - asyncpg's own, made from bytes without a detour
from sqlalchemy.dialects.postgresql import ARRAY, REAL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeEngine

from pilothouse.ids import floor_id
from services.collector.errors import MissingDayError
from services.collector.store import pgcopy, unavailable, vectors
from services.collector.store.adapter import Adapter
from services.collector.store.record_table import RecordTable
from services.collector.times import DAY_MS, to_datetime, to_ms

_TYPES: dict[str, TypeEngine[Any]] = {
    "id": sa.Uuid(),
    "number": sa.Double(),
    "integer": sa.BigInteger(),
    "boolean": sa.Boolean(),
    "category": sa.Text(),
    "text": sa.Text(),
    "datetime": sa.DateTime(timezone=True),
    "vector": ARRAY(REAL),
}


class Postgres(Adapter):
    """One pool. A connection is tried before it is used, so that a restarted server costs nobody an error."""

    types = _TYPES

    def __init__(self, url: sa.URL, *, pool: int, timeout_seconds: float, partitions: bool = True) -> None:
        super().__init__()
        self._url, self.table_options = url, "PARTITION BY RANGE (id)" if partitions else ""
        self._partitioned: dict[str, bool] = {}
        self._engine = create_async_engine(
            url,
            pool_size=pool,
            max_overflow=0,
            pool_timeout=min(10.0, timeout_seconds),
            pool_pre_ping=True,
            connect_args={
                "timeout": 5,
                "command_timeout": timeout_seconds,
                "server_settings": {
                    "application_name": "pilothouse-collector",
                    "statement_timeout": str(int(timeout_seconds * 1000)),
                    "idle_in_transaction_session_timeout": "60000",
                    "jit": "off",
                },
            },
        )

    @property
    def address(self) -> str:
        host = self._url.host or self._url.query.get("host") or "localhost"
        return f"PostgreSQL at {host}:{self._url.port or 5432}, database {self._url.database}"

    @property
    def reader(self) -> AsyncEngine:
        return self._engine

    @property
    def writer(self) -> AsyncEngine:
        return self._engine

    def native_id(self, record_id: uuid.UUID) -> Any:
        return record_id

    def to_native(self, kind: str, values: Sequence[Any]) -> Sequence[Any]:
        if kind == "id":
            return [NativeId(v) for v in values]
        if kind == "datetime":
            # The records of a batch were made within few milliseconds, and a datetime takes long to make.
            made = {v: None if v is None else to_datetime(v) for v in set(values)}
            return [made[v] for v in values]
        if kind == "vector":
            return [None if v is None else vectors.to_list(v) for v in values]
        return values

    def to_canonical(self, kind: str, values: Sequence[Any]) -> Sequence[Any]:
        if kind == "id":
            return [v.bytes for v in values]
        if kind == "datetime":
            return [None if v is None else to_ms(v) for v in values]
        if kind == "vector":
            return [None if v is None else vectors.from_numbers(v) for v in values]
        return values

    def among(self, column: sa.ColumnElement[Any], values: Sequence[Any]) -> sa.ColumnElement[bool]:
        return column == sa.any_(sa.literal(list(values), ARRAY(column.type)))

    def matching(self, column: sa.Column[Any], values: Sequence[Any]) -> sa.Select[Any]:
        """Each value is looked for in its own partition; `= ANY` would look for all of them in every one."""
        given = sa.func.unnest(sa.literal(list(values), ARRAY(column.type)))
        table = given.table_valued(sa.column("value", column.type)).render_derived()
        return sa.select(column).select_from(table.join(column.table, column == table.c.value))

    def greatest(self, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
        return sa.func.greatest(*columns)

    async def lock(self, connection: AsyncConnection, name: str) -> None:
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"pilothouse {name}"))))

    async def ensure_days(self, connection: AsyncConnection, table: RecordTable, days: Iterable[int]) -> None:
        """Attach a partition for each day that has none. Attaching, unlike creating one in place, blocks nobody."""
        await self.lock(connection, table.name)
        if not await self._is_partitioned(connection, table):
            return
        present = await self.partition_days(connection, table)
        for day in sorted(set(days) - present):
            name = _partition(table, day)
            start, end = floor_id(day * DAY_MS), floor_id((day + 1) * DAY_MS)
            await connection.exec_driver_sql(f'CREATE TABLE "{name}" (LIKE "{table.name}" INCLUDING ALL)')
            await connection.exec_driver_sql(
                f"ALTER TABLE \"{table.name}\" ATTACH PARTITION \"{name}\" FOR VALUES FROM ('{start}') TO ('{end}')"
            )

    async def insert(self, connection: AsyncConnection, table: RecordTable, columns: list[list[Any]]) -> dict[int, int]:
        """COPY, all or nothing; where a record is there already, by way of `_insert_new`. In the order of the ids, so
        that two batches with the same records cannot deadlock."""
        kinds = ("id", "datetime", "level", *(c.kind for c in table.columns))
        by_id = sorted(zip(columns[0], pgcopy.rows(kinds, columns), strict=True), key=itemgetter(0))
        data = pgcopy.stream(row for _, row in by_id)
        try:
            async with connection.begin_nested():
                await _copy(await _driver(connection), table.name, table.names, data)
        except asyncpg.UniqueViolationError:
            return await _insert_new(connection, table, data, {at // DAY_MS for at in columns[1]})
        except asyncpg.CheckViolationError as error:
            raise MissingDayError(str(error)) from error
        return dict(Counter(at // DAY_MS for at in columns[1]))

    async def insert_rows(self, connection: AsyncConnection, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
        """By column, as arrays: a statement for each row would take three times as long."""
        columns = [statement.table.c[name] for name in rows[0]]
        arrays = [sa.literal([row[c.name] for row in rows], ARRAY(c.type)) for c in columns]
        given = sa.func.unnest(*arrays).table_valued(*(sa.column(c.name, c.type) for c in columns)).render_derived()
        await connection.execute(statement.from_select([c.name for c in columns], sa.select(given)))

    async def drop_day(self, connection: AsyncConnection, table: RecordTable, day: int) -> bool:
        """Waits for readers at most 3 s: retention can come back later, predictions cannot wait for it."""
        await connection.exec_driver_sql("SET LOCAL lock_timeout = '3s'")
        await self.lock(connection, table.name)
        if not await self._is_partitioned(connection, table):
            return await super().drop_day(connection, table, day)
        await connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{_partition(table, day)}"')
        self.forget_days(table)
        return True

    async def partition_days(self, connection: AsyncConnection, table: RecordTable) -> set[int]:
        found = await connection.execute(
            sa.text("SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                    "WHERE i.inhparent = to_regclass(:table)"),
            {"table": f'"{table.name}"'},
        )  # fmt: skip
        prefix = f"{table.name}_p"
        return {_day(name.removeprefix(prefix)) for (name,) in found}

    async def table_bytes(self, connection: AsyncConnection, known: Sequence[RecordTable]) -> dict[str, int]:
        found = await connection.execute(
            sa.text("SELECT c.relname, pg_total_relation_size(c.oid) + coalesce((SELECT sum(pg_total_relation_size("
                    "i.inhrelid)) FROM pg_inherits i WHERE i.inhparent = c.oid), 0) AS bytes FROM pg_class c "
                    "WHERE c.oid = ANY(SELECT to_regclass(quote_ident(n)) FROM unnest(:names ::text[]) n)"),
            {"names": [table.name for table in known]},
        )  # fmt: skip
        return {row["relname"]: int(row["bytes"]) for row in found.mappings()}

    async def database_bytes(self, connection: AsyncConnection) -> int | None:
        return int((await connection.execute(sa.text("SELECT pg_database_size(current_database())"))).scalar_one())

    async def _is_partitioned(self, connection: AsyncConnection, table: RecordTable) -> bool:
        if table.name not in self._partitioned:
            found = await connection.execute(
                sa.text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(:table)"),
                {"table": f'"{table.name}"'},
            )
            self._partitioned[table.name] = bool(found.scalar_one())
        return self._partitioned[table.name]

    def unavailable(self, error: BaseException) -> str | None:
        reason = unavailable.postgres_reason(error)
        return None if reason is None else f"{self.address}: {unavailable.without_secret(reason, self._url.password)}"

    async def close(self) -> None:
        await self._engine.dispose()


async def _driver(connection: AsyncConnection) -> asyncpg.Connection[Any]:
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    return driver


async def _copy(driver: asyncpg.Connection[Any], table: str, columns: Sequence[str], data: bytes) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield data

    await driver.copy_to_table(table, source=source(), columns=columns, format="binary")


async def _insert_new(connection: AsyncConnection, table: RecordTable, data: bytes, days: set[int]) -> dict[int, int]:
    """COPY into a temporary table, then one INSERT of what is not there yet."""
    names = ", ".join(f'"{name}"' for name in table.names)
    stage = f"stage_{table.name}"
    await connection.exec_driver_sql(
        f'CREATE TEMPORARY TABLE IF NOT EXISTS "{stage}" (LIKE "{table.name}") ON COMMIT DELETE ROWS'
    )
    driver = await _driver(connection)
    await _copy(driver, stage, table.names, data)
    insert = f'INSERT INTO "{table.name}" ({names}) SELECT {names} FROM "{stage}" ORDER BY id ON CONFLICT DO NOTHING'  # noqa: S608 - names of ours, from a checked manifest
    try:
        return await _insert_counted(driver, insert, days)
    except asyncpg.CheckViolationError as error:
        raise MissingDayError(str(error)) from error


async def _insert_counted(driver: asyncpg.Connection, insert: str, days: set[int]) -> dict[int, int]:
    """Returning rows costs something, and nearly every batch is of one day."""
    if len(days) == 1:
        status: str = await driver.execute(insert)
        return {days.pop(): int(status.rsplit(" ", 1)[1])}
    counted = await driver.fetch(
        f"WITH fresh AS ({insert} RETURNING at) "  # noqa: S608 - made above
        "SELECT floor(extract(epoch FROM at) / 86400)::int AS day, count(*) AS records FROM fresh GROUP BY 1"
    )
    return {row["day"]: row["records"] for row in counted}


def _partition(table: RecordTable, day: int) -> str:
    return f"{table.name}_p{to_datetime(day * DAY_MS):%Y%m%d}"


def _day(text: str) -> int:
    return to_ms(datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)) // DAY_MS
