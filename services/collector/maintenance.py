"""What is done now and then: partitions ahead of their day, and dropping what is older than the retention."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import sqlalchemy as sa
import structlog

from services.collector import tables
from services.collector.catalog import Catalog, days_ahead
from services.collector.database import Database
from services.collector.errors import UnavailableError
from services.collector.metrics import CollectorMetrics
from services.collector.moment import DAY_MS, Clock, now_ms
from services.collector.record_table import RecordTable
from services.collector.retention import Retention

ROUND_SECONDS = 600.0
_RETRY_SECONDS = 15.0


class Maintenance:
    """`retention_days` for records and their labels, `history_days` for the rest; 0 keeps them for ever.

    `archived_only`: of the records, only days that the archive has.
    """

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        metrics: CollectorMetrics,
        *,
        retention_days: int,
        history_days: int,
        archived_only: bool = False,
        clock: Clock = now_ms,
    ) -> None:
        self._retention = Retention(database, catalog, metrics, archived_only=archived_only)
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
            await self._retention.drop_before(now // DAY_MS - self._retention_days)
        if self._history_days:
            await self._drop_history(now - self._history_days * DAY_MS)

    async def _make_days(self, table: RecordTable, now: int) -> None:
        adapter, days = self._database.adapter, days_ahead(now)
        if adapter.lacks_days(table, days):
            async with self._database.writing() as connection:
                await adapter.ensure_days(connection, table, days)
            adapter.know_days(table, days)

    async def _drop_history(self, before: int) -> None:
        async with self._database.writing() as connection:
            for table in (tables.drift_runs, tables.performance_runs, tables.dead_letters):
                await connection.execute(sa.delete(table).where(table.c.at < before))
            await connection.execute(sa.delete(tables.alerts).where(tables.alerts.c.received_at < before))
