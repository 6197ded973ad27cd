"""Rows and bytes of each model version's table, and bytes of the whole database, as gauges."""

from __future__ import annotations

import math

import sqlalchemy as sa

from services.collector.metrics import CollectorMetrics
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.registry import ModelRegistry


class Sizes:
    def __init__(self, database: Database, models: ModelRegistry, metrics: CollectorMetrics) -> None:
        self._database, self._models, self._metrics = database, models, metrics

    async def measure(self) -> None:
        """Set the gauges. Raises UnavailableError; then they stay as they were."""
        adapter, days = self._database.adapter, tables.record_days.c
        known = await self._models.tables()
        counting = sa.select(days.model, days.version, sa.func.sum(days.records)).group_by(days.model, days.version)
        async with self._database.reading() as connection:
            counted = {(model, version): rows for model, version, rows in await connection.execute(counting)}
            sizes = await adapter.table_bytes(connection, known)
            whole = await adapter.database_bytes(connection)
        self._metrics.database_bytes.set(math.nan if whole is None else whole)
        for table in known:
            self._metrics.table_rows.labels(*table.key).set(int(counted.get(table.key, 0)))
            self._metrics.table_bytes.labels(*table.key).set(sizes.get(table.name, 0))
