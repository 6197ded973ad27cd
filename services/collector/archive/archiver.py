"""Writing days to the archive, when they are complete and whenever they have changed, until the service ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

import pyarrow.parquet as pq
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from pilothouse.archive import Archive
from pilothouse.errors import ArchiveAwayError
from services.collector.archive.day_file import DayFile
from services.collector.archive.ledger import LEASE_SECONDS, ArchiveState, DueDay, Ledger
from services.collector.errors import CollectorError, IncompleteDayError, LeaseLostError, UnavailableError
from services.collector.records.reading import RecordReader
from services.collector.store.database import Database
from services.collector.store.registry import ModelRegistry
from services.collector.times import DAY_MS, Clock

ROUND_SECONDS, RETRY_SECONDS = 600.0, 30.0
HOUR_MS = 3_600_000
_MODEL = ("model", "version")


@dataclass(frozen=True, slots=True)
class ArchivePlan:
    """A day is complete `delay_hours` after its end; one that has changed is written again after `refresh_hours`, or
    at once when it is older than `retention_days` (0: for ever) and about to be dropped."""

    delay_hours: float
    refresh_hours: float
    retention_days: int


class ArchiveMetrics:
    """Made only where there is an archive, so that without one there is nothing to alert on."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self._days = counter("pilothouse_collector_archive_days_total", "Days written to the archive.", _MODEL)
        self._bytes = counter("pilothouse_collector_archive_bytes_total", "Bytes written to the archive.", _MODEL)
        self.failures = counter(
            "pilothouse_collector_archive_failures_total",
            "Failed attempts to archive a day of records; the next round tries again.",
        )
        self._age = gauge(
            "pilothouse_collector_archive_age_seconds",
            "Time since the end of the newest archived day, in seconds; keeps growing when archiving stops.",
            _MODEL,
        )
        self._waiting = gauge(
            "pilothouse_collector_archive_waiting_days",
            "Past days whose records are not in the archive yet, or have changed since they were archived.",
            _MODEL,
        )

    def wrote(self, model: str, version: str, size: int) -> None:
        self._days.labels(model, version).inc()
        self._bytes.labels(model, version).inc(size)

    def show(self, standing: dict[tuple[str, str], ArchiveState], now: int) -> None:
        """How every model version stands at `now`, milliseconds since the epoch."""
        for key, found in standing.items():
            self._waiting.labels(*key).set(found.waiting)
            if found.newest is not None:
                self._age.labels(*key).set(max(0, now - (found.newest + 1) * DAY_MS) / 1000)


class Archiver:
    def __init__(
        self,
        archive: Archive,
        database: Database,
        models: ModelRegistry,
        metrics: ArchiveMetrics,
        *,
        plan: ArchivePlan,
        clock: Clock,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ledger = Ledger(database, clock)
        self._archive, self._database, self._models, self._metrics = archive, database, models, metrics
        self._plan, self._clock, self._timer = plan, clock, timer
        self._reader = RecordReader(database)
        self._requested: list[tuple[str, str, int]] = []
        self._wake, self._at_work = asyncio.Event(), asyncio.Lock()
        self.failure: str | None = None
        self._log = structlog.get_logger("archive")

    @property
    def address(self) -> str:
        return self._archive.address

    def ask(self, day: tuple[str, str, int] | None = None) -> None:
        """Have a round begin now, and this day written in it whether it has changed or not."""
        if day is not None:
            self._requested.append(day)
        self._wake.set()

    async def keep(self) -> None:
        """Rounds until cancelled; one that fails is logged when the reason changes, counted, and tried again sooner."""
        await self._database.migrated.wait()
        while True:
            logged, self.failure = self.failure, None
            self._wake.clear()
            try:
                await self.round()
            except Exception as error:  # the edge of the loop: say why, go on
                self._failed(error, logged)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), RETRY_SECONDS if self.failure else ROUND_SECONDS)

    async def round(self) -> None:
        """Write what is due, unless another collector is at it. Raises ArchiveAwayError or UnavailableError."""
        async with self._at_work:
            await self._archive.check()
            if await self.ledger.take():
                try:
                    await self._write_all(await self._due())
                finally:
                    with contextlib.suppress(UnavailableError):
                        await self.ledger.release()
        self._metrics.show(await self.ledger.standing(before=self._complete_before()), self._clock())

    async def _due(self) -> list[DueDay]:
        now = self._clock()
        urgent = now // DAY_MS - self._plan.retention_days if self._plan.retention_days else 0
        written_before = now - int(self._plan.refresh_hours * HOUR_MS)
        due = await self.ledger.due(before=self._complete_before(), urgent=urgent, written_before=written_before)
        asked, self._requested = self._requested, []
        for day in asked:
            one = await self.ledger.one(*day)
            if one is not None and one not in due:
                due.append(one)
        return due

    def _complete_before(self) -> int:
        return (self._clock() - int(self._plan.delay_hours * HOUR_MS)) // DAY_MS

    async def _write_all(self, days: list[DueDay]) -> None:
        """A day that fails does not keep the others; a store that is away, or a lost lease, ends the round."""
        for due in days:
            try:
                await self._write(due)
            except (ArchiveAwayError, UnavailableError, LeaseLostError):
                raise
            except Exception as error:
                self._failed(error, None)

    async def _write(self, due: DueDay) -> None:
        keep_lease = _LeaseKeeper(self.ledger, self._timer)
        await keep_lease()
        table = await self._models.table(due.model, due.version)
        file = DayFile(self._reader, table, due, keep_lease)
        async with self._before(due) as before:
            size = await self._archive.put(due.path, file.content(before))
        await self.ledger.written(due, records=file.records, size=size)
        self._metrics.wrote(due.model, due.version, size)
        self._log.info("day archived", **due.shown, records=file.records, bytes=size, again=due.archived is not None)

    @contextlib.asynccontextmanager
    async def _before(self, due: DueDay) -> AsyncIterator[pq.ParquetFile | None]:
        """The file to merge with, where the database has not all of the day any more."""
        if not due.partial:
            yield None
            return
        try:
            source = await asyncio.to_thread(self._archive.open, due.path)
        except FileNotFoundError:
            raise IncompleteDayError(
                f"{due.path} is gone from the archive; with it went what the database has dropped of {due.shown}"
            ) from None
        try:
            yield await asyncio.to_thread(pq.ParquetFile, source)
        finally:
            await asyncio.to_thread(source.close)

    def _failed(self, error: Exception, logged: str | None) -> None:
        self._metrics.failures.inc()
        self.failure = str(error) or type(error).__name__
        if self.failure != logged:
            foreseen = isinstance(error, ArchiveAwayError | CollectorError)
            self._log.error("the archive was not written", reason=self.failure[:500], exc_info=not foreseen)


class _LeaseKeeper:
    """Keeps the lease while a long day is written."""

    def __init__(self, ledger: Ledger, timer: Callable[[], float]) -> None:
        self._ledger, self._timer, self._last = ledger, timer, float("-inf")

    async def __call__(self) -> None:
        if self._timer() - self._last > LEASE_SECONDS / 4:
            if not await self._ledger.take():
                raise LeaseLostError("another collector has taken over the archive")
            self._last = self._timer()
