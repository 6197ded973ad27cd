"""What is done now and then: partitions ahead of their day, and dropping what is older than the retention."""

from __future__ import annotations

import sqlalchemy as sa

from services.collector.maintenance.retention import Retention
from services.collector.metrics import CollectorMetrics
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.registry import ModelRegistry, days_ahead
from services.collector.times import DAY_MS, Clock, now_ms


class Maintenance:
    """`retention_days` for records and their labels, `history_days` for the rest; 0 keeps them for ever.

    `archived_only`: of the records, only days that the archive has.
    """

    def __init__(
        self,
        database: Database,
        models: ModelRegistry,
        metrics: CollectorMetrics,
        *,
        retention_days: int,
        history_days: int,
        archived_only: bool = False,
        clock: Clock = now_ms,
    ) -> None:
        self._retention = Retention(database, models, metrics, archived_only=archived_only)
        self._database, self._models, self._metrics = database, models, metrics
        self._retention_days, self._history_days, self._clock = retention_days, history_days, clock

    async def round(self) -> None:
        """One round: days ahead, then expiry. Raises UnavailableError."""
        now = self._clock()
        for table in await self._models.tables():
            await self._database.make_days(table, days_ahead(now))
        if self._retention_days:
            await self._retention.drop_before(now // DAY_MS - self._retention_days)
        if self._history_days:
            await self._drop_history(now - self._history_days * DAY_MS)

    async def _drop_history(self, before: int) -> None:
        async with self._database.writing() as connection:
            for table in (tables.drift_runs, tables.performance_runs, tables.dead_letters):
                await connection.execute(sa.delete(table).where(table.c.at < before))
            await connection.execute(sa.delete(tables.alerts).where(tables.alerts.c.received_at < before))
