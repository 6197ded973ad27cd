"""Reading records back: pages by key, the newest rows, and samples."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pilothouse.ids import floor_id
from pilothouse.sampling import INDEXED_LEVEL, thin, walk
from services.collector.records.selection import RecordField, Selection, SelectionFilters
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.statements import of_model

Order = Literal["asc", "desc"]
PAGE_ROWS = 2000
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Rows by column, in canonical values (`checks.py`); `last` is the id that the next page begins after."""

    fields: tuple[RecordField, ...]
    columns: list[Sequence[Any]]
    rows: int
    last: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class RecordSample:
    """Ids of a simple random sample, in order, and how many rows the window has."""

    ids: list[bytes]
    window_rows: int
    estimated: bool


class RecordReader:
    """Every call is a short transaction of its own: nobody who reads slowly holds a connection or a snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.adapter = database.adapter

    async def page(self, wanted: Selection, *, after: uuid.UUID | None, order: Order, rows: int) -> Page:
        """Up to `rows` records that come after the id `after`; new records never shift a page."""
        statement = self._after(self._select(wanted, *wanted.columns()), wanted, after, order).limit(rows)
        async with self._database.reading() as connection:
            return self._page(wanted, (await connection.execute(statement)).all())

    async def horizon(self, wanted: Selection, *, after: uuid.UUID | None, order: Order, rows: int) -> uuid.UUID | None:
        """The id `rows` records further on, filters aside; None when there are not that many. A walk along the key."""
        statement = self._select(replace(wanted, fields=(), filters=SelectionFilters()), wanted.table.table.c.id)
        statement = self._after(statement, wanted, after, order).offset(rows - 1).limit(1)
        async with self._database.reading() as connection:
            return await self._one_id(connection, statement)

    async def pages(
        self, wanted: Selection, *, order: Order, rows: int | None, after: uuid.UUID | None = None
    ) -> AsyncIterator[Page]:
        """All of the selection, or its first `rows`, a page at a time."""
        left = rows
        while left is None or left > 0:
            size = PAGE_ROWS if left is None else min(PAGE_ROWS, left)
            page = await self.page(wanted, after=after, order=order, rows=size)
            if page.rows:
                yield page
            if page.rows < size:
                return
            after = page.last
            left = None if left is None else left - page.rows

    async def by_id(self, wanted: Selection, ids: list[bytes], order: Order = "asc") -> AsyncIterator[Page]:
        """The records with these ids, which are sorted in `order`."""
        identity = wanted.table.table.c.id
        for start in range(0, len(ids), _CHUNK):
            native = self.adapter.to_native("id", ids[start : start + _CHUNK])
            statement = sa.select(*wanted.columns()).select_from(wanted.source())
            statement = statement.where(self.adapter.among(identity, native)).order_by(
                identity if order == "asc" else identity.desc()
            )
            async with self._database.reading() as connection:
                yield self._page(wanted, (await connection.execute(statement)).all())

    async def newest(self, wanted: Selection, rows: int) -> tuple[Selection, int]:
        """The selection narrowed to its newest `rows` records, and how many those are. Later records stay out."""
        identity = wanted.table.table.c.id
        ordered = self._select(wanted, identity).order_by(identity.desc()).limit(1)
        async with self._database.reading() as connection:
            newest = await self._one_id(connection, ordered)
            if newest is None:
                return wanted.between(floor_id(0), floor_id(0)), 0
            narrowed = wanted.between(wanted.start, uuid.UUID(int=newest.int + 1))
            ordered = self._select(narrowed, identity).order_by(identity.desc()).limit(1)
            oldest = await self._one_id(connection, ordered.offset(rows - 1))
            if oldest is not None:
                return narrowed.between(oldest, narrowed.end), rows
            counted = await connection.execute(self._select(narrowed, sa.func.count()))
        return narrowed, int(counted.scalar_one())

    async def sample(self, wanted: Selection, rows: int) -> RecordSample:
        """A simple random sample of `rows` records; the work depends on `rows`, not on the size of the window.

        Levels are read from the top, each half as full as the next one below, until there is enough; the last one is
        thinned. The count of what was read says how many rows the window has, with a standard error of a share
        1/sqrt(rows).
        """
        found: list[bytes] = []
        async with self._database.reading() as connection:
            for lowest, group in walk():
                level = await self._level(connection, wanted, group)
                if len(found) + len(level) >= rows:
                    chosen = found + thin(level, rows - len(found))
                    window, estimated = (len(found) + len(level)) << lowest, lowest > 0
                    break
                found += level
            else:
                chosen, window, estimated = found, len(found), False
            if estimated and not (wanted.start or wanted.end or wanted.filters.any):
                window, estimated = await self._counted(connection, wanted), False
        return RecordSample(sorted(chosen), window, estimated)

    async def _level(self, connection: AsyncConnection, wanted: Selection, group: Sequence[int]) -> list[bytes]:
        own = wanted.table.table.c
        levels = own.level == group[0] if len(group) == 1 else own.level.in_(group)
        # Literal levels, and the index's own condition (SQLite infers it from nothing else), so that the planner sees
        # that the partial index serves them.
        levels = own.level < INDEXED_LEVEL if group[0] < INDEXED_LEVEL else sa.and_(own.level >= INDEXED_LEVEL, levels)
        literal = sa.text(str(levels.compile(compile_kwargs={"literal_binds": True})))
        rows = await connection.execute(self._select(wanted, own.id).where(literal))
        return list(self.adapter.to_canonical("id", [row[0] for row in rows]))

    async def _counted(self, connection: AsyncConnection, wanted: Selection) -> int:
        days = tables.record_days.c
        counted = sa.select(sa.func.coalesce(sa.func.sum(days.records), 0))
        statement = counted.where(of_model(days, *wanted.table.key))
        return int((await connection.execute(statement)).scalar_one())

    async def _one_id(self, connection: AsyncConnection, statement: sa.Select[Any]) -> uuid.UUID | None:
        found = (await connection.execute(statement)).scalar_one_or_none()
        return None if found is None else uuid.UUID(bytes=self.adapter.to_canonical("id", [found])[0])

    def _select(self, wanted: Selection, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        return sa.select(*columns).select_from(wanted.source()).where(*wanted.conditions(self.adapter))

    def _after(
        self, statement: sa.Select[Any], wanted: Selection, after: uuid.UUID | None, order: Order
    ) -> sa.Select[Any]:
        """In the order of the ids, from the one after `after` on."""
        identity = wanted.table.table.c.id
        if after is not None:
            native = self.adapter.native_id(after)
            statement = statement.where(identity > native if order == "asc" else identity < native)
        return statement.order_by(identity if order == "asc" else identity.desc())

    def _page(self, wanted: Selection, rows: Sequence[sa.Row[Any]]) -> Page:
        if not rows:
            return Page(wanted.fields, [[] for _ in wanted.fields], 0, None)
        *columns, ids = zip(*rows, strict=True)
        canonical = [self.adapter.to_canonical(f.kind, c) for f, c in zip(wanted.fields, columns, strict=True)]
        last = uuid.UUID(bytes=self.adapter.to_canonical("id", [ids[-1]])[0])
        return Page(wanted.fields, canonical, len(rows), last)
