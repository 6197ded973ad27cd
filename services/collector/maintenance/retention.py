"""Dropping days that are older than the retention, with their counts and their labels.

Where there is an archive, a day goes only when the archive has all of it. That is read in the transaction that drops
the day, after the dropping, when nothing can come in any more. A record that came in before rolls all of it back.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from pilothouse.archive import day_text
from pilothouse.ids import floor_id
from services.collector.errors import NotArchivedError
from services.collector.metrics import CollectorMetrics
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.record_table import RecordTable
from services.collector.store.registry import ModelRegistry
from services.collector.store.statements import delete_where, of_model
from services.collector.times import DAY_MS

_DAYS, _ARCHIVED, _CHANGES = tables.record_days.c, tables.archived_days.c, tables.label_days.c


@dataclass(frozen=True, slots=True)
class _Dropped:
    """`records` is None where there was nothing to count, or somebody else had done it."""

    whole: bool
    records: int | None


class Retention:
    def __init__(
        self, database: Database, models: ModelRegistry, metrics: CollectorMetrics, *, archived_only: bool = False
    ) -> None:
        self._database, self._models, self._metrics = database, models, metrics
        self._archived_only = archived_only
        self._log = structlog.get_logger("retention")

    async def drop_before(self, first_kept: int) -> None:
        """Drop every day before `first_kept` (since 1970-01-01). Raises UnavailableError."""
        oldest = first_kept
        for table in await self._models.tables():
            for day in await self._expired(table, first_kept):
                if not await self._drop(table, day):
                    oldest = min(oldest, day)
        await self._drop_labels(oldest)

    async def _expired(self, table: RecordTable, first_kept: int) -> list[int]:
        async with self._database.reading() as connection:
            days = await self._database.adapter.partition_days(connection, table)
            days |= set((await connection.execute(sa.select(_DAYS.day).where(of_model(_DAYS, *table.key)))).scalars())
        return sorted(day for day in days if day < first_kept)

    async def _drop(self, table: RecordTable, day: int) -> bool:
        """Drop a day, in as many transactions as it takes; False where it has to stay."""
        shown = {"model": table.model, "version": table.version, "day": day_text(day)}
        while True:
            try:
                async with self._database.writing() as connection:
                    dropped = await self._drop_some(connection, table, day)
            except NotArchivedError:
                self._log.info("day kept, the archive has not all of it yet", **shown)
                return False
            if dropped.whole:
                break
        if dropped.records is not None:
            self._metrics.days_dropped.labels(*table.key).inc()
            self._metrics.records_expired.labels(*table.key).inc(dropped.records)
            self._log.info("day dropped", records=dropped.records, **shown)
        return True

    async def _drop_some(self, connection: AsyncConnection, table: RecordTable, day: int) -> _Dropped:
        whole = await self._database.adapter.drop_day(connection, table, day)
        this = of_model(_DAYS, *table.key, day)
        held = (await connection.execute(sa.select(_DAYS.records).where(this).with_for_update())).scalar_one_or_none()
        if held and self._archived_only and not await _has_all(connection, table, day, held):
            raise NotArchivedError
        await connection.execute(
            sa.update(tables.archived_days)
            .where(of_model(_ARCHIVED, *table.key, day))
            .values({"partial": True} | ({"held": 0} if whole else {}))
        )
        if whole:
            await connection.execute(sa.delete(tables.record_days).where(this))
        return _Dropped(whole, held)

    async def _drop_labels(self, before: int) -> None:
        """Labels go with their records: an id says how old its record is."""
        oldest = floor_id(before * DAY_MS)
        for key in (tables.labels.c.record_id, tables.label_history.c.seq, tables.waiting_labels.c.seq):
            done = False
            while not done:
                async with self._database.writing() as connection:
                    done = await delete_where(connection, key, key.table.c.record_id < oldest)
        async with self._database.writing() as connection:
            await connection.execute(sa.delete(tables.label_days).where(_CHANGES.day < before))


async def _has_all(connection: AsyncConnection, table: RecordTable, day: int, held: int) -> bool:
    """Whether nothing has come since the archive was written."""
    changes = sa.func.coalesce(sa.select(_CHANGES.changes).where(_CHANGES.day == day).scalar_subquery(), 0)
    same = sa.and_(_ARCHIVED.held == held, _ARCHIVED.label_changes == changes)
    archived = sa.select(sa.func.count()).where(of_model(_ARCHIVED, *table.key, day), same)
    return bool((await connection.execute(archived)).scalar_one())
