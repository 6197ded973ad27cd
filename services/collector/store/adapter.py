"""What differs between the databases; all other SQL is written once.

Rows go in and come out by column. Canonical values (`checks.py`) are turned into the driver's own on the way in and
back on the way out: ids are 16 bytes, times milliseconds since the epoch.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.types import TypeEngine

from pilothouse.sampling import INDEXED_LEVEL
from services.collector.store.record_table import RecordTable
from services.collector.store.statements import delete_some


class Adapter(ABC):
    """PostgreSQL or SQLite. What is not abstract is right for a database without partitions."""

    types: ClassVar[dict[str, TypeEngine[Any]]]
    """Of a record's columns, by their kind (`pilothouse.columns`), and of `id`."""

    table_options: str = ""
    """SQL after the columns when a record table is created."""

    def __init__(self) -> None:
        self._days: dict[str, set[int]] = {}

    @property
    @abstractmethod
    def address(self) -> str:
        """Where the database is, in words, without its password."""

    @property
    @abstractmethod
    def reader(self) -> AsyncEngine: ...

    @property
    @abstractmethod
    def writer(self) -> AsyncEngine:
        """The engine for transactions that write; SQLite allows one at a time."""

    @abstractmethod
    def native_id(self, record_id: uuid.UUID) -> Any: ...

    def to_native(self, kind: str, values: Sequence[Any]) -> Sequence[Any]:
        return values

    def to_canonical(self, kind: str, values: Sequence[Any]) -> Sequence[Any]:
        return values

    @abstractmethod
    def among(self, column: sa.ColumnElement[Any], values: Sequence[Any]) -> sa.ColumnElement[bool]:
        """Whether the column is one of many values, without a statement of its own for every number of them."""

    def matching(self, column: sa.Column[Any], values: Sequence[Any]) -> sa.Select[Any]:
        """A query for those of many values that a column of a table has."""
        return sa.select(column).where(self.among(column, values))

    @abstractmethod
    def greatest(self, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]: ...

    @abstractmethod
    async def lock(self, connection: AsyncConnection, name: str) -> None:
        """Hold the lock `name`, among all collectors, until the transaction ends."""

    async def create_table(self, connection: AsyncConnection, table: RecordTable) -> None:
        """The table and the index that samples are drawn by."""
        definition = sa.schema.CreateTable(table.table).compile(dialect=connection.dialect)
        await connection.exec_driver_sql(f"{str(definition).rstrip()} {self.table_options}")
        await connection.exec_driver_sql(
            f'CREATE INDEX "{table.name}_s" ON "{table.name}" (level, id) WHERE level >= {INDEXED_LEVEL}'
        )

    @abstractmethod
    async def ensure_days(self, connection: AsyncConnection, table: RecordTable, days: Iterable[int]) -> None:
        """Make partitions for records of these days (since 1970-01-01)."""

    def lacks_days(self, table: RecordTable, days: Iterable[int]) -> bool:
        """Whether `ensure_days` has to be called for some of them, as far as this process knows."""
        return not self._days.get(table.name, set()).issuperset(days)

    def know_days(self, table: RecordTable, days: Iterable[int]) -> None:
        """`ensure_days` was committed for them."""
        self._days.setdefault(table.name, set()).update(days)

    def forget_days(self, table: RecordTable) -> None:
        """Somebody else may have dropped some: look again next time."""
        self._days.pop(table.name, None)

    @abstractmethod
    async def insert(self, connection: AsyncConnection, table: RecordTable, columns: list[list[Any]]) -> dict[int, int]:
        """Store the rows whose ids are not there yet; how many of each day were new."""

    async def insert_rows(self, connection: AsyncConnection, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
        """Run an INSERT without values for many rows, which have the same keys, and no two the key of a conflict."""
        await connection.execute(statement, rows)

    async def partition_days(self, connection: AsyncConnection, table: RecordTable) -> set[int]:
        """The days that have a partition, with records in it or without."""
        return set()

    async def drop_day(self, connection: AsyncConnection, table: RecordTable, day: int) -> bool:
        """Drop a day's records, or a bounded number of them; whether all are gone.

        Deleting all of a large day in one transaction would keep everybody else from writing for as long.
        """
        return await delete_some(connection, table, self.native_id, day)

    @abstractmethod
    async def table_bytes(self, connection: AsyncConnection, known: Sequence[RecordTable]) -> dict[str, int]:
        """What each of these tables takes on disk with its indexes, by its name; one that is empty may be left out."""

    @abstractmethod
    async def database_bytes(self, connection: AsyncConnection) -> int | None:
        """None where the database does not say."""

    @abstractmethod
    def unavailable(self, error: BaseException) -> str | None:
        """Why the database cannot be used, in words, when that is what the error means; None when it is our bug."""

    @abstractmethod
    async def close(self) -> None: ...
