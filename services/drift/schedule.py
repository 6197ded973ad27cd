"""The scheduler: every model as often as its manifest says, for as long as the service runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from pilothouse.package import Package
from pilothouse.serving.spans import Spans, timed
from services.drift.errors import CollectorAwayError
from services.drift.metrics import DriftMetrics
from services.drift.monitor import DriftMonitor
from services.drift.packages import WatchedPackages
from services.drift.records import Records
from services.drift.run import Basis, Run

TICK_SECONDS = 1.0


class PerformanceCheck(Protocol):
    """What is measured and estimated after each scoring."""

    async def check(self, package: Package) -> object: ...

    def forget(self, watched: set[tuple[str, str]]) -> None: ...


class Scheduler:
    """Scores what is due, tells the gauges and the collector. `timer` gives seconds that only rise; `leads`
    says whether what is found here is what the collector keeps."""

    def __init__(
        self,
        packages: WatchedPackages,
        monitor: DriftMonitor,
        records: Records,
        metrics: DriftMetrics,
        *,
        performance: PerformanceCheck,
        timer: Callable[[], float] = time.monotonic,
        leads: Callable[[], bool] = lambda: True,
        spans: Spans | None = None,
    ) -> None:
        self._spans = spans
        self._packages, self._monitor, self._records, self._metrics = packages, monitor, records, metrics
        self._performance, self._timer, self._leads = performance, timer, leads
        self._due: dict[tuple[str, str], float] = {}
        self._saved: dict[tuple[str, str], tuple[Basis | None, str]] = {}
        self._log = structlog.get_logger("schedule")

    async def keep_running(self) -> None:
        """Until it is cancelled: whatever goes wrong is logged, counted, and tried again."""
        while True:
            try:
                await self.tick()
            except Exception:
                self._metrics.loop_errors.inc()
                self._log.exception("the scheduler failed and goes on")
            await asyncio.sleep(TICK_SECONDS)

    async def tick(self) -> None:
        """Score every model that is due."""
        packages = await asyncio.to_thread(self._packages.packages)
        keys = {(p.manifest.name, p.manifest.version): p for p in packages}
        for gone in self._monitor.forget(set(keys)):
            self._metrics.forget(gone)
            self._due.pop(gone, None)
            self._saved.pop(gone, None)
        self._performance.forget(set(keys))
        for key, package in keys.items():
            if self._due.get(key, 0.0) <= self._timer():
                self._due[key] = self._timer() + package.manifest.monitoring.interval_seconds
                with timed(self._spans, "drift run", _span_labels(package)):
                    await self.check(package)
                    await self._performance.check(package)

    async def check(self, package: Package) -> Run:
        """The model's newest run, made now if records have come, or the package has changed, since the last one."""
        begun = self._timer()
        run, fresh = await self._monitor.current(package)
        if not fresh:
            self._metrics.confirmed(run)
        else:
            self._metrics.seconds.observe(self._timer() - begun)
            self._metrics.publish(run)
            if self._leads() and self._saved.get(run.key) != (run.basis, run.answer.reason):
                await self._save(run)
        return run

    async def run_now(self, package: Package) -> Run:
        """Score whether records have come or not. Raises CollectorAwayError."""
        begun = self._timer()
        run = await self._monitor.score_newest(package)
        self._metrics.seconds.observe(self._timer() - begun)
        self._metrics.publish(run)
        await self._save(run)
        return run

    async def _save(self, run: Run) -> None:
        """Have the collector keep a run over records that it has."""
        if run.answer.newest is None or run.answer.stale:
            return
        try:
            await self._records.save_run(run.answer)
            self._saved[run.key] = run.basis, run.answer.reason
        except CollectorAwayError as error:
            self._metrics.unsaved.inc()
            self._log.warning("a run was not saved", model=run.answer.model, version=run.answer.version, why=str(error))


def _span_labels(package: Package) -> dict[str, str]:
    return {"pilothouse.model": package.manifest.name, "pilothouse.version": package.manifest.version}
