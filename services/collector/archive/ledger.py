"""What the archive has of each day, kept in the database: which days are due, and who is writing them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pilothouse.archive import day_path, day_text
from pilothouse.wire.archive import ArchivedDay
from services.collector.errors import LeaseLostError
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.statements import insert_or_update, of_model, take_lease
from services.collector.times import DAY_MS, Clock, to_iso

LEASE = "archive"
LEASE_SECONDS = 120
_DAYS, _ARCHIVED, _CHANGES, _LEASES = (
    tables.record_days.c, tables.archived_days.c, tables.label_days.c, tables.leases.c
)  # fmt: skip
_KEY = ("model", "version", "day")


@dataclass(frozen=True, slots=True)
class DueDay:
    """A day to write. `held` records are in the database; `partial`: older ones are in the archive alone."""

    model: str
    version: str
    day: int
    held: int
    label_changes: int
    archived: int | None
    partial: bool

    @property
    def path(self) -> str:
        return day_path(self.model, self.version, self.day)

    @property
    def shown(self) -> dict[str, Any]:
        return {"model": self.model, "version": self.version, "day": day_text(self.day)}


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """Of a model version: its newest day in the archive, None when there is none, and how many wait to be written."""

    newest: int | None
    waiting: int


class Ledger:
    """`clock` gives milliseconds since the epoch."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._holder = secrets.token_hex(8)

    async def due(self, *, before: int, urgent: int, written_before: int) -> list[DueDay]:
        """Days before `before` that the archive lacks, or that have changed: those before `urgent` at once, the others
        when they were written before the moment `written_before`."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_state().where(_DAYS.day < before, _changed()).order_by(_DAYS.day))).all()
        found = [(_due(row), row.written_at) for row in rows]
        return [due for due, at in found if at is None or due.day < urgent or at <= written_before]

    async def one(self, model: str, version: str, day: int) -> DueDay | None:
        """A day as it stands, due or not; None when the database has no records of it."""
        statement = _state().where(of_model(_DAYS, model, version, day))
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else _due(row)

    async def written(self, due: DueDay, *, records: int, size: int) -> None:
        """Note that the archive has everything that was there when `due` was read.

        Raises LeaseLostError when somebody else may have written it meanwhile, or retention has begun to drop it.
        """
        row = {"model": due.model, "version": due.version, "day": due.day, "records": records, "held": due.held,
               "label_changes": due.label_changes, "partial": due.partial, "bytes": size,
               "written_at": self._clock()}  # fmt: skip
        this = of_model(_ARCHIVED, due.model, due.version, due.day)
        async with self._database.writing() as connection:
            await self._renew(connection)
            partial = sa.select(_ARCHIVED.partial).where(this).with_for_update()
            if bool((await connection.execute(partial)).scalar_one_or_none()) != due.partial:
                raise LeaseLostError(f"{due.shown} began to be dropped while it was written")
            names = [name for name in row if name not in _KEY]
            statement = insert_or_update(connection, tables.archived_days, _KEY, names)
            await connection.execute(statement.values(row))

    async def take(self) -> bool:
        """Take the lease, or keep it: one collector writes at a time. False when another has it."""
        now = self._clock()
        until = now + LEASE_SECONDS * 1000
        async with self._database.writing() as connection:
            lease = await take_lease(connection, LEASE, self._holder, now=now, until=until)
        return bool(lease.holder == self._holder)

    async def release(self) -> None:
        mine = sa.and_(_LEASES.name == LEASE, _LEASES.holder == self._holder)
        async with self._database.writing() as connection:
            await connection.execute(sa.delete(tables.leases).where(mine))

    async def standing(self, *, before: int) -> dict[tuple[str, str], ArchiveState]:
        """How every model version stands, with days before `before` counted as complete."""
        newest = sa.select(_ARCHIVED.model, _ARCHIVED.version, sa.func.max(_ARCHIVED.day))
        lacking = _state().where(_DAYS.day < before, _changed()).subquery()
        waiting = sa.select(lacking.c.model, lacking.c.version, sa.func.count())
        async with self._database.reading() as connection:
            days = await connection.execute(newest.group_by(_ARCHIVED.model, _ARCHIVED.version))
            last = {(row[0], row[1]): int(row[2]) for row in days}
            counts = await connection.execute(waiting.group_by(lacking.c.model, lacking.c.version))
            behind = {(row[0], row[1]): int(row[2]) for row in counts}
        return {key: ArchiveState(last.get(key), behind.get(key, 0)) for key in sorted(last.keys() | behind.keys())}

    async def listing(
        self, model: str | None, version: str | None, *, partial: bool | None, before: int | None, limit: int
    ) -> list[ArchivedDay]:
        """Days in the archive, the newest first; `partial`: only those that the database has dropped, or not."""
        wanted = [
            column == value
            for column, value in ((_ARCHIVED.model, model), (_ARCHIVED.version, version), (_ARCHIVED.partial, partial))
            if value is not None
        ]
        if before is not None:
            wanted.append(_ARCHIVED.day < before)
        order = (_ARCHIVED.day.desc(), _ARCHIVED.model, _ARCHIVED.version)
        async with self._database.reading() as connection:
            rows = await connection.execute(
                sa.select(tables.archived_days).where(*wanted).order_by(*order).limit(limit)
            )
            return [_shown(row) for row in rows]

    async def _renew(self, connection: AsyncConnection) -> None:
        until = self._clock() + LEASE_SECONDS * 1000
        mine = sa.and_(_LEASES.name == LEASE, _LEASES.holder == self._holder)
        done = await connection.execute(sa.update(tables.leases).where(mine).values(until=until))
        if done.rowcount != 1:
            raise LeaseLostError("another collector has taken over the archive")


def _state() -> sa.Select[Any]:
    """Every day that the database has, with what the archive has of it."""
    same = sa.and_(_ARCHIVED.model == _DAYS.model, _ARCHIVED.version == _DAYS.version, _ARCHIVED.day == _DAYS.day)
    joined = tables.record_days.outerjoin(tables.archived_days, same)
    joined = joined.outerjoin(tables.label_days, _CHANGES.day == _DAYS.day)
    changes = sa.func.coalesce(_CHANGES.changes, 0).label("changes")
    own = (_DAYS.model, _DAYS.version, _DAYS.day, _DAYS.records, changes)
    return sa.select(*own, _ARCHIVED.records.label("archived"), _ARCHIVED.partial, _ARCHIVED.written_at).select_from(
        joined
    )


def _changed() -> sa.ColumnElement[bool]:
    return sa.or_(
        _ARCHIVED.day.is_(None),
        _ARCHIVED.held != _DAYS.records,
        _ARCHIVED.label_changes != sa.func.coalesce(_CHANGES.changes, 0),
    )


def _due(row: sa.Row[Any]) -> DueDay:
    return DueDay(row.model, row.version, row.day, row.records, row.changes, row.archived, bool(row.partial))


def _shown(row: sa.Row[Any]) -> ArchivedDay:
    return ArchivedDay(
        model=row.model,
        version=row.version,
        day=day_text(row.day),
        path=day_path(row.model, row.version, row.day),
        records=row.records,
        bytes=row.bytes,
        dropped=bool(row.partial),
        written_at=to_iso(row.written_at),
        start=to_iso(row.day * DAY_MS),
        end=to_iso((row.day + 1) * DAY_MS),
    )
