"""What is done now and then: partitions ahead of their day, and dropping what is older than the retention."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import sqlalchemy as sa
import structlog

from pilothouse.ids import floor_id
from services.collector import tables
from services.collector.catalog import Catalog, days_ahead
from services.collector.database import Database
from services.collector.errors import UnavailableError
from services.collector.metrics import CollectorMetrics
from services.collector.moment import DAY_MS, Clock, now_ms, to_datetime
from services.collector.record_table import RecordTable

ROUND_SECONDS = 600.0
_RETRY_SECONDS = 15.0


class Maintenance:
    """`retention_days` for records and their labels, `history_days` for the rest; 0 keeps them for ever."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        metrics: CollectorMetrics,
        *,
        retention_days: int,
        history_days: int,
        clock: Clock = now_ms,
    ) -> None:
        self._database, self._catalog, self._metrics = database, catalog, metrics
        self._retention_days, self._history_days, self._clock = retention_days, history_days, clock
        self._log = structlog.get_logger("maintenance")

    async def keep(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Rounds until cancelled; a round that fails is logged, counted and tried again sooner."""
        await self._database.migrated.wait()
        while True:
            try:
                await self.round()
            except Exception as error:  # the edge of the loop: say why, go on
                self._metrics.maintenance_failures.inc()
                unforeseen = not isinstance(error, UnavailableError)
                self._log.warning("maintenance failed", reason=str(error)[:300], exc_info=unforeseen)
                await sleep(_RETRY_SECONDS)
            else:
                await sleep(ROUND_SECONDS)

    async def round(self) -> None:
        """One round: days ahead, then expiry. Raises UnavailableError."""
        now = self._clock()
        for table in await self._catalog.tables():
            await self._make_days(table, now)
            if self._retention_days:
                await self._expire(table, now // DAY_MS - self._retention_days)
        if self._retention_days:
            await self._drop_labels((now // DAY_MS - self._retention_days) * DAY_MS)
        if self._history_days:
            await self._drop_history(now - self._history_days * DAY_MS)

    async def _make_days(self, table: RecordTable, now: int) -> None:
        adapter, days = self._database.adapter, days_ahead(now)
        if adapter.lacks_days(table, days):
            async with self._database.writing() as connection:
                await adapter.ensure_days(connection, table, days)
            adapter.know_days(table, days)

    async def _expire(self, table: RecordTable, first_kept: int) -> None:
        days = tables.record_days.c
        old = sa.and_(days.model == table.model, days.version == table.version, days.day < first_kept)
        async with self._database.reading() as connection:
            statement = sa.select(days.day, days.records).where(old).order_by(days.day)
            expired = dict.fromkeys(await self._database.adapter.room(connection, table), 0)
            expired |= {row.day: row.records for row in await connection.execute(statement)}
        for day, records in sorted(expired.items()):
            if day >= first_kept:
                continue
            async with self._database.writing() as connection:
                await self._database.adapter.drop_day(connection, table, day)
                this = sa.and_(days.model == table.model, days.version == table.version, days.day == day)
                await connection.execute(sa.delete(tables.record_days).where(this))
            self._metrics.days_dropped.labels(*table.key).inc()
            self._metrics.records_expired.labels(*table.key).inc(records)
            shown = f"{to_datetime(day * DAY_MS):%Y-%m-%d}"
            self._log.info("day dropped", model=table.model, version=table.version, day=shown, records=records)

    async def _drop_labels(self, before: int) -> None:
        """Labels go with their records: an id says how old its record is."""
        oldest = floor_id(before)
        async with self._database.writing() as connection:
            for table in (tables.labels, tables.label_history):
                await connection.execute(sa.delete(table).where(table.c.record_id < oldest))

    async def _drop_history(self, before: int) -> None:
        async with self._database.writing() as connection:
            await connection.execute(sa.delete(tables.drift_runs).where(tables.drift_runs.c.at < before))
            await connection.execute(sa.delete(tables.dead_letters).where(tables.dead_letters.c.at < before))
            await connection.execute(sa.delete(tables.alerts).where(tables.alerts.c.ends_at < before))
