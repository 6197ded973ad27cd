"""CockroachDB, in PostgreSQL's protocol: plain tables, rows by INSERT, and no locks.

Its transactions are serializable: of two that get into each other's way one is rolled back (SQLSTATE 40001), which
the sender is told as 503 and repeats. So nothing here needs advisory locks, which in it were empty shells for years.
What is avoided, by the documentation of v26.3, stands in docs/databases.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.collector.expired import delete_some
from services.collector.moment import DAY_MS
from services.collector.postgres import Postgres
from services.collector.record_table import RecordTable

_ROWS, _ARGUMENTS = 250, 32_767  # of one statement; the second is asyncpg's limit
_ALREADY_THERE = ("42P07", "23505")  # a table or a row that another collector has just made


class CockroachDialect(PGDialect_asyncpg):
    """SQLAlchemy's own asks the server for its version in PostgreSQL's words, and sets codecs of types not there."""

    supports_statement_cache = True

    def _get_server_version_info(self, connection: sa.Connection) -> tuple[int, ...]:
        return (13, 0)

    async def setup_asyncpg_json_codec(self, conn: Any) -> None:
        """No column of ours is JSON."""

    async def setup_asyncpg_jsonb_codec(self, conn: Any) -> None:
        """No column of ours is JSON."""


class Cockroach(Postgres):
    """Version 24.1 or newer."""

    session: ClassVar[dict[str, str]] = {"idle_in_transaction_session_timeout": "60000"}
    isolation: ClassVar[str | None] = "SERIALIZABLE"

    def __init__(self, url: sa.URL, *, pool: int, timeout_seconds: float) -> None:
        registry.register(url.drivername.replace("+", "."), __name__, CockroachDialect.__name__)
        super().__init__(url, pool=pool, timeout_seconds=timeout_seconds, partitions=False)
        event.listen(self.writer.sync_engine, "connect", keep_ddl_in_transactions)

    @property
    def address(self) -> str:
        return f"CockroachDB at {self._url.host}:{self._url.port or 26257}, database {self._url.database}"

    async def lock(self, connection: AsyncConnection, name: str) -> None:
        """Being serializable is the lock."""

    async def ensure_days(self, connection: AsyncConnection, table: RecordTable, days: Iterable[int]) -> None:
        """There are no partitions here."""

    def lacks_days(self, table: RecordTable, days: Iterable[int]) -> bool:
        return False

    async def insert(self, connection: AsyncConnection, table: RecordTable, columns: list[list[Any]]) -> dict[int, int]:
        kinds = ("id", "datetime", "integer", *(c.kind for c in table.columns))
        native = [self.to_native(kind, values) for kind, values in zip(kinds, columns, strict=True)]
        days: dict[int, list[tuple[Any, ...]]] = {}
        for at, row in sorted(zip(columns[1], zip(*native, strict=True), strict=True), key=lambda pair: pair[1][0].int):
            days.setdefault(at // DAY_MS, []).append(row)
        return {day: await _insert_rows(connection, table, rows) for day, rows in days.items()}

    async def drop_day(self, connection: AsyncConnection, table: RecordTable, day: int) -> bool:
        return await delete_some(connection, table, self.native_id, day)

    async def room(self, connection: AsyncConnection, table: RecordTable) -> set[int]:
        return set()

    async def table_bytes(self, connection: AsyncConnection, known: Sequence[RecordTable]) -> dict[str, int]:
        """Its functions for that are not PostgreSQL's, and ask for rights of an administrator."""
        return {}

    async def database_bytes(self, connection: AsyncConnection) -> int | None:
        return None

    def unavailable(self, error: BaseException) -> str | None:
        if getattr(getattr(error, "orig", None), "sqlstate", None) in _ALREADY_THERE:
            return f"{self.address}: another collector was making the same"
        return super().unavailable(error)


async def _insert_rows(connection: AsyncConnection, table: RecordTable, rows: list[tuple[Any, ...]]) -> int:
    """How many of these rows were new."""
    width = len(table.names)
    names = ", ".join(f'"{name}"' for name in table.names)
    stored, step = 0, max(1, min(_ROWS, _ARGUMENTS // width))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        places = ", ".join(
            f"({', '.join(f'${place}' for place in range(row * width + 1, (row + 1) * width + 1))})"
            for row in range(len(some))
        )
        statement = f'INSERT INTO "{table.name}" ({names}) VALUES {places} ON CONFLICT DO NOTHING'  # noqa: S608 - names of ours, from a checked manifest
        stored += (await connection.exec_driver_sql(statement, tuple(v for row in some for v in row))).rowcount
    return stored


def keep_ddl_in_transactions(connection: Any, _: Any) -> None:
    """Since v25.1 it commits before a CREATE TABLE unless told otherwise, which would cut migrations in pieces."""
    cursor = connection.cursor()
    cursor.execute("SELECT version()")
    if "CockroachDB" in cursor.fetchone()[0]:
        cursor.execute("SET autocommit_before_ddl = off")
    cursor.close()
    connection.commit()  # or it would be taken back with the first transaction that is
