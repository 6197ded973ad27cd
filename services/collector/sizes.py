"""Rows and bytes of each model version's table, and bytes of the whole database, as gauges."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

import sqlalchemy as sa
import structlog

from services.collector import tables
from services.collector.catalog import Catalog
from services.collector.database import Database
from services.collector.errors import UnavailableError
from services.collector.metrics import CollectorMetrics

_ROUND_SECONDS = 30.0
_SHARE = 0.05  # of the time that measuring may take: SQLite reads every page of a table to know its size


class Sizes:
    """`timer` gives seconds that only rise."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        metrics: CollectorMetrics,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._catalog, self._metrics, self._timer = database, catalog, metrics, timer
        self._log = structlog.get_logger("sizes")

    async def keep(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Measure now and then until cancelled. While the database is away the gauges stay as they were."""
        await self._database.migrated.wait()
        while True:
            begun = self._timer()
            try:
                await self.measure()
            except UnavailableError:
                pass  # readiness and `database_up` say so already
            except Exception:  # the edge of the loop: say why, go on
                self._log.exception("sizes could not be measured")
            await sleep(max(_ROUND_SECONDS, (self._timer() - begun) / _SHARE))

    async def measure(self) -> None:
        """One round. Raises UnavailableError."""
        adapter, days = self._database.adapter, tables.record_days.c
        known = await self._catalog.tables()
        counting = sa.select(days.model, days.version, sa.func.sum(days.records)).group_by(days.model, days.version)
        async with self._database.reading() as connection:
            counted = {(model, version): rows for model, version, rows in await connection.execute(counting)}
            sizes = await adapter.table_bytes(connection, known)
            whole = await adapter.database_bytes(connection)
        self._metrics.database_bytes.set(math.nan if whole is None else whole)
        for table in known:
            self._metrics.table_rows.labels(*table.key).set(int(counted.get(table.key, 0)))
            self._metrics.table_bytes.labels(*table.key).set(sizes.get(table.name, 0))
