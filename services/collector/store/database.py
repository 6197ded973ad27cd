"""The database's life: reached, migrated, watched; and the transactions that everything else is done in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool

from pilothouse.serving.readiness import Readiness
from services.collector.errors import UnavailableError
from services.collector.metrics import CollectorMetrics
from services.collector.store.adapter import Adapter
from services.collector.store.record_table import RecordTable

PART = "database"
Wanted = tuple[sa.ColumnElement[Any], Callable[[Any, Any], Any], Any]
_FIRST_WAIT, _LONGEST_WAIT, _PING_SECONDS = 0.2, 10.0, 2.0


class Database:
    """Hands out transactions. Whatever means `not now` leaves it as UnavailableError, and nothing waits for ever."""

    def __init__(self, adapter: Adapter, *, timeout_seconds: float) -> None:
        self.adapter = adapter
        self._timeout = timeout_seconds
        self.migrated = asyncio.Event()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        self._check_migrated()
        async with self._transaction(self.adapter.reader) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Committed at the end of the block, rolled back when it raises."""
        self._check_migrated()
        async with self._transaction(self.adapter.writer) as connection:
            yield connection

    async def make_days(self, table: RecordTable, days: Iterable[int]) -> None:
        """Make partitions for these days, in a transaction of its own: whoever waits for a lock holds none."""
        if self.adapter.lacks_days(table, days):
            async with self.writing() as connection:
                await self.adapter.ensure_days(connection, table, days)
            self.adapter.know_days(table, days)

    async def newest_first(
        self, table: sa.Table, wanted: Sequence[Wanted], *, before: int | None, limit: int
    ) -> tuple[list[sa.Row[Any]], int | None]:
        """Rows by falling `seq` below `before`, where every `wanted` (column, operator, value) with a value holds.

        The second part is the next `before`, None at the end.
        """
        chosen = [compare(column, value) for column, compare, value in wanted if value is not None]
        statement = sa.select(table).where(*chosen).order_by(table.c.seq.desc()).limit(limit)
        if before is not None:
            statement = statement.where(table.c.seq < before)
        async with self.reading() as connection:
            rows = list((await connection.execute(statement)).all())
        return rows, rows[-1].seq if len(rows) == limit else None

    def connections_in_use(self) -> float:
        return sum(pool.checkedout() for pool in self._pools())

    @property
    def connections_at_most(self) -> int:
        return sum(pool.size() for pool in self._pools())

    def _pools(self) -> list[QueuePool]:
        pools = {id(engine): engine.pool for engine in (self.adapter.reader, self.adapter.writer)}
        return [pool for pool in pools.values() if isinstance(pool, QueuePool)]

    async def prepare(self) -> None:
        """Reach the database and bring its fixed tables up to date. Raises UnavailableError."""
        async with self._transaction(self.adapter.writer) as connection:
            await self.adapter.lock(connection, "migration")
            await connection.run_sync(_migrate)
        self.migrated.set()

    async def ping(self) -> None:
        async with self.reading() as connection:
            await connection.execute(sa.text("SELECT 1 FROM models LIMIT 1"))

    def _check_migrated(self) -> None:
        if not self.migrated.is_set():
            raise UnavailableError(f"{self.adapter.address}: not reached and migrated yet")

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(self._timeout), engine.begin() as connection:
                yield connection
        except UnavailableError:
            raise
        except Exception as error:
            reason = self.adapter.unavailable(error)
            if reason is None:
                raise
            raise UnavailableError(reason) from error


def _migrate(connection: sa.Connection) -> None:
    """Run Alembic's revisions that are missing, in the open transaction: killed midway, nothing has happened.

    The caller holds the database's migration lock.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def keep_ready(
    database: Database,
    readiness: Readiness,
    metrics: CollectorMetrics,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Reach and migrate the database, however long it takes, then watch it; readiness says how that stands.

    RunStore until cancelled. A failure is logged when its reason changes, and counted every time.
    """
    log = structlog.get_logger("database")
    prepared, wait, logged = False, _FIRST_WAIT, ""
    while True:
        try:
            await (database.ping() if prepared else database.prepare())
        except Exception as error:  # the edge of the loop: say why, go on
            reason = error.reason if isinstance(error, UnavailableError) else f"{type(error).__name__} (see the log)"
            readiness.blocked(PART, reason)
            metrics.database_failed()
            if reason != logged:
                log.warning("database not ready", reason=reason, exc_info=not isinstance(error, UnavailableError))
            logged = reason
            await sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT) if not prepared else _PING_SECONDS
            continue
        if logged or not prepared:
            log.info("database ready", address=database.adapter.address)
        prepared, wait, logged = True, _FIRST_WAIT, ""
        readiness.ready(PART)
        metrics.database_reached()
        await sleep(_PING_SECONDS)
