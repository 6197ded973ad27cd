"""Reports, made once for the same records, kept for a while, and handed out to everybody who asks."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import msgspec
import structlog

from pilothouse.package import Package
from services.drift.errors import DriftError, ReportError, ReportsBusyError, UnknownReportError
from services.drift.metrics import ReportMetrics
from services.drift.monitor import DriftMonitor, Scored
from services.drift.records import Records
from services.drift.report.html import plain_page, with_banner
from services.drift.report.job import ReportAnswer, ReportJob, build_job
from services.drift.run import Run
from services.drift.window import Window

KEPT = 8
PENDING = 8  # at a time: they are made one after the other, and nobody waits for the ninth
COMPRESSION = 6
Format = Literal["html", "json"]


class ReportMaker(Protocol):
    async def make(self, job: ReportJob) -> ReportAnswer:
        """Raises ReportError."""


@dataclass(slots=True)
class DriftReport:
    """One report: being made, done (`bodies`, each compressed with gzip) or failed (`error`).

    `question` is what was asked for, in the caller's words: the moment that 24h begins at moves on, the question does
    not.
    """

    id: str
    question: str
    model: str
    window: Window
    version_reason: str = ""
    bodies: dict[Format, bytes] = field(default_factory=dict)
    error: DriftError | None = None
    task: asyncio.Task[None] | None = None

    @property
    def done(self) -> bool:
        return self.task is None or self.task.done()


class Reports:
    """`maker` is the worker. The same model version with the same files, window, newest record and numbers of records
    (some come late, with older ids) and labels is the same report; so is the one that is being made when it is asked
    for again, whatever has come since."""

    def __init__(self, monitor: DriftMonitor, records: Records, maker: ReportMaker, metrics: ReportMetrics) -> None:
        self._monitor, self._records, self._maker, self._metrics = monitor, records, maker, metrics
        self._kept: OrderedDict[str, DriftReport] = OrderedDict()

    async def ask(
        self, package: Package, window: Window, text: str | None = None, *, version_reason: str = ""
    ) -> DriftReport:
        """The report of what is logged now: kept, or begun; or the one being made of the same window, `text` in the
        caller's words. Raises CollectorAwayError, and ReportsBusyError instead of beginning another."""
        question = f"{package.manifest.key} {text or window!r} {version_reason}"
        if pending := self._pending(question):
            return pending
        name = await self._name(package, window, version_reason)
        report = self._pending(question) or self._kept.get(name)
        if report is None or (report.done and report.error):
            report = self._begin(DriftReport(name, question, package.manifest.key, window, version_reason), package)
        self._kept.move_to_end(report.id)
        return report

    def find(self, name: str) -> DriftReport:
        """A report that was asked for before. Raises UnknownReportError."""
        if name not in self._kept:
            raise UnknownReportError(name)
        return self._kept[name]

    async def wait(self, report: DriftReport, seconds: float) -> bool:
        """Whether the report is done after waiting for it. Raises what it failed with."""
        if report.task is not None and not report.done and seconds > 0:
            await asyncio.wait([report.task], timeout=seconds)
        if report.done and report.error:
            raise report.error
        return report.done

    async def close(self) -> None:
        """Give up what is being made."""
        tasks = [r.task for r in self._kept.values() if r.task and not r.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _name(self, package: Package, window: Window, version_reason: str) -> str:
        """Changes with the records, their labels and the package."""
        manifest = package.manifest
        basis = await self._monitor.basis(package)
        labels = await self._records.labels(manifest.name, manifest.version) if basis.newest else 0
        key = repr((manifest.key, manifest.files, manifest.monitoring, window, basis, labels, version_reason))
        return hashlib.sha256(key.encode()).hexdigest()[:20]

    def _pending(self, question: str) -> DriftReport | None:
        return next((r for r in self._kept.values() if r.question == question and not r.done), None)

    def _begin(self, report: DriftReport, package: Package) -> DriftReport:
        pending = sum(not r.done for r in self._kept.values())
        if pending >= PENDING:
            raise ReportsBusyError(pending)
        report.task = asyncio.create_task(self._fill(report, package))
        self._keep(report)
        return report

    def _keep(self, report: DriftReport) -> None:
        self._kept[report.id] = report
        finished = [r.id for r in self._kept.values() if r.done]
        for name in finished[: max(len(self._kept) - KEPT, 0)]:
            del self._kept[name]

    async def _fill(self, report: DriftReport, package: Package) -> None:
        """Make the report; a failure is kept in it, for those who wait and those who ask later."""
        begun = time.perf_counter()
        try:
            scored = await self._monitor.score(package, report.window, every_column=True)
            answer = await self._evidently(package, scored)
            said = scored.run.answer.model_copy(update={"version_reason": report.version_reason})
            report.bodies = await asyncio.to_thread(_bodies, replace(scored.run, answer=said), answer)
        except DriftError as error:
            report.error = error
        except Exception as error:
            report.error = ReportError(f"the report could not be made: {type(error).__name__}")
            structlog.get_logger("reports").exception("a report failed", model=report.model)
        self._metrics.reports.labels("failed" if report.error else "made").inc()
        self._metrics.seconds.observe(time.perf_counter() - begun)

    async def _evidently(self, package: Package, scored: Scored) -> ReportAnswer | None:
        """None when there is nothing to compare: the report then says why."""
        result = scored.result
        if not result.compared or scored.baseline is None:
            return None
        job = await asyncio.to_thread(build_job, package.manifest, scored.baseline.reference, result, scored.table)
        return await self._maker.make(job)


def _bodies(run: Run, answer: ReportAnswer | None) -> dict[Format, bytes]:
    html = with_banner(answer.html, run) if answer else plain_page(run)
    numbers = msgspec.Raw(answer.data) if answer else None
    drift = msgspec.Raw(run.answer.model_dump_json().encode())
    data = msgspec.json.encode({"drift": drift, "evidently": numbers})
    return {"html": gzip.compress(html, COMPRESSION), "json": gzip.compress(data, COMPRESSION)}
