"""What differs between the databases, as one Protocol; all other SQL is written once.

Rows go in and come out by column. Canonical values (`checks.py`) are turned into the driver's own on the way in and
back on the way out: ids are 16 bytes, times milliseconds since the epoch.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.types import TypeEngine

from services.collector.record_table import RecordTable


class Adapter(Protocol):
    """PostgreSQL, CockroachDB or SQLite."""

    @property
    def address(self) -> str:
        """Where the database is, in words, without its password."""
        ...

    @property
    def reader(self) -> AsyncEngine: ...

    @property
    def writer(self) -> AsyncEngine:
        """The engine for transactions that write; SQLite allows one at a time."""
        ...

    def column_type(self, kind: str) -> TypeEngine[Any]:
        """The type of a record's column of that kind (`pilothouse.columns`), or of `id`."""
        ...

    def native_id(self, record_id: uuid.UUID) -> Any: ...

    def to_native(self, kind: str, values: Sequence[Any]) -> Sequence[Any]: ...

    def to_canonical(self, kind: str, values: Sequence[Any]) -> Sequence[Any]: ...

    def among(self, column: sa.ColumnElement[Any], values: Sequence[Any]) -> sa.ColumnElement[bool]:
        """Whether the column is one of many values, without a statement of its own for every number of them."""
        ...

    def greatest(self, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]: ...

    async def lock(self, connection: AsyncConnection, name: str) -> None:
        """Hold the lock `name`, among all collectors, until the transaction ends."""
        ...

    async def create_table(self, connection: AsyncConnection, table: RecordTable) -> None: ...

    async def ensure_days(self, connection: AsyncConnection, table: RecordTable, days: Iterable[int]) -> None:
        """Make room for records of these days (since 1970-01-01)."""
        ...

    def lacks_days(self, table: RecordTable, days: Iterable[int]) -> bool:
        """Whether `ensure_days` has to be called for some of them, as far as this process knows."""
        ...

    def know_days(self, table: RecordTable, days: Iterable[int]) -> None:
        """`ensure_days` was committed for them."""
        ...

    def forget_days(self, table: RecordTable) -> None:
        """Somebody else may have dropped some: look again next time."""
        ...

    async def insert(self, connection: AsyncConnection, table: RecordTable, columns: list[list[Any]]) -> dict[int, int]:
        """Store the rows whose ids are not there yet; how many of each day were new."""
        ...

    async def room(self, connection: AsyncConnection, table: RecordTable) -> set[int]:
        """The days that have a partition, with records in it or without."""
        ...

    async def drop_day(self, connection: AsyncConnection, table: RecordTable, day: int) -> bool:
        """Drop a day's records, or some of them; whether all are gone. A transaction that drops all of a large day by
        deleting would keep everybody else from writing for as long."""
        ...

    async def table_bytes(self, connection: AsyncConnection, known: Sequence[RecordTable]) -> dict[str, int]:
        """What each of these tables takes on disk with its indexes, by its name; one that is empty may be left out."""
        ...

    async def database_bytes(self, connection: AsyncConnection) -> int | None:
        """None where the database does not say."""
        ...

    def unavailable(self, error: BaseException) -> str | None:
        """Why the database cannot be used, in words, when that is what the error means; None when it is our bug."""
        ...

    async def close(self) -> None: ...
