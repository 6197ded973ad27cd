"""SQLite, the embedded default: write-ahead log, one writer, many readers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeEngine

from services.collector.store import unavailable
from services.collector.store.adapter import Adapter
from services.collector.store.record_table import RecordTable
from services.collector.times import DAY_MS

_TYPES: dict[str, TypeEngine[Any]] = {
    "id": sa.LargeBinary(16),
    "number": sa.Double(),
    "integer": sa.BigInteger(),
    "boolean": sa.Boolean(),
    "category": sa.Text(),
    "text": sa.Text(),
    "datetime": sa.BigInteger(),
    "vector": sa.LargeBinary(),
}


class Sqlite(Adapter):
    """Two engines on one file. The writer's transactions begin IMMEDIATE: they wait for each other, never deadlock."""

    types = _TYPES
    table_options = "WITHOUT ROWID"  # the table is its primary key's tree: a window of time is one stretch of the file

    def __init__(self, url: sa.URL, *, pool: int, timeout_seconds: float) -> None:
        super().__init__()
        self._path = Path(url.database or "")
        self._writer = self._engine(url, "BEGIN IMMEDIATE", 1, timeout_seconds)
        self._reader = self._engine(url, "BEGIN", pool, timeout_seconds)

    def _engine(self, url: sa.URL, begin: str, pool: int, timeout_seconds: float) -> AsyncEngine:
        engine = create_async_engine(url, pool_size=pool, max_overflow=0, pool_timeout=timeout_seconds)

        @event.listens_for(engine.sync_engine, "do_connect")
        def make_folder(*_: Any) -> None:
            self._path.parent.mkdir(parents=True, exist_ok=True)

        @event.listens_for(engine.sync_engine, "connect")
        def configure(connection: Any, _: Any) -> None:
            """The driver's own BEGIN is turned off, so that DDL is transactional too.

            FULL: what is acknowledged to a shipper is unlinked there, so it must survive a power cut here.
            """
            connection.isolation_level = None
            cursor = connection.cursor()
            for pragma in (f"busy_timeout = {int(timeout_seconds * 1000)}", "journal_mode = WAL", "synchronous = FULL"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def start(connection: sa.Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    @property
    def address(self) -> str:
        return f"SQLite at {self._path}"

    @property
    def reader(self) -> AsyncEngine:
        return self._reader

    @property
    def writer(self) -> AsyncEngine:
        return self._writer

    def native_id(self, record_id: uuid.UUID) -> Any:
        return record_id.bytes

    def among(self, column: sa.ColumnElement[Any], values: Sequence[Any]) -> sa.ColumnElement[bool]:
        return column.in_(values)

    def greatest(self, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
        return sa.func.max(*columns) if len(columns) > 1 else columns[0]

    async def lock(self, connection: AsyncConnection, name: str) -> None:
        """BEGIN IMMEDIATE is the lock."""

    async def ensure_days(self, connection: AsyncConnection, table: RecordTable, days: Iterable[int]) -> None:
        """There are no partitions here."""

    async def insert(self, connection: AsyncConnection, table: RecordTable, columns: list[list[Any]]) -> dict[int, int]:
        by_day: dict[int, list[tuple[Any, ...]]] = {}
        for row in zip(*columns, strict=True):
            by_day.setdefault(row[1] // DAY_MS, []).append(row)
        names = ", ".join(f'"{name}"' for name in table.names)
        places = ", ".join("?" * len(table.names))
        statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({places}) ON CONFLICT DO NOTHING'  # noqa: S608 - names of ours, from a checked manifest
        stored: dict[int, int] = {}
        for day, rows in sorted(by_day.items()):
            stored[day] = (await connection.exec_driver_sql(statement, rows)).rowcount
        return stored

    async def table_bytes(self, connection: AsyncConnection, known: Sequence[RecordTable]) -> dict[str, int]:
        """Where SQLite was built with `dbstat`, as Debian's and Python's own are; else nothing."""
        options = {row[0] for row in await connection.exec_driver_sql("PRAGMA compile_options")}
        if "ENABLE_DBSTAT_VTAB" not in options:
            return {}
        found = await connection.exec_driver_sql("SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE")
        pages = {row["name"]: int(row["pgsize"]) for row in found.mappings()}
        return {t.name: pages.get(t.name, 0) + pages.get(f"{t.name}_s", 0) for t in known}

    async def database_bytes(self, connection: AsyncConnection) -> int:
        statement = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        return int((await connection.exec_driver_sql(statement)).scalar_one())

    def unavailable(self, error: BaseException) -> str | None:
        reason = unavailable.sqlite_reason(error)
        return None if reason is None else f"{self.address}: {reason}"

    async def close(self) -> None:
        await self._reader.dispose()
        await self._writer.dispose()
