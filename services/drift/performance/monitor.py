"""Performance when somebody asks for it, and by the scheduler, for the gauges and the collector's history."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from pilothouse.package import Package
from pilothouse.wire.performance import PerformanceAnswer
from services.drift.arrow import read_numbers
from services.drift.errors import CollectorAwayError, UnknownColumnError
from services.drift.performance.answer import NO_RECORDS, answer_window, unknown_answer, without_curves
from services.drift.performance.gauges import PerformanceMetrics
from services.drift.performance.learned_reference import LearnedReference
from services.drift.performance.sample import WindowSample, needed_columns, read_sample
from services.drift.records import LABEL, LABELLED_AT, Records
from services.drift.window import Window

WAIT_SECONDS = 20.0  # that a caller may wait for the first fit


class References(Protocol):
    async def get(self, package: Package, wait_seconds: float) -> LearnedReference:
        """What was learned of a model version. An estimator that is not fitted in time says so."""

    async def close(self) -> None: ...


class PerformanceMonitor:
    """`clock` gives milliseconds since the epoch. `leads` says whether scheduled answers are kept."""

    def __init__(
        self,
        records: Records,
        references: References,
        metrics: PerformanceMetrics,
        clock: Callable[[], int],
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._records, self._references, self._metrics, self._clock = records, references, metrics, clock
        self._leads = leads
        self._lock = asyncio.Lock()  # two at once would both find news in the same records
        self._shown: set[tuple[str, str]] = set()
        self._seen: dict[tuple[str, str], bytes] = {}
        self._log = structlog.get_logger("performance")

    async def answer(self, package: Package, window: Window, segment: str | None = None) -> PerformanceAnswer:
        """Of a window, now. Raises UnknownColumnError for a segment that is no column; while the collector is
        away there is no answer but that."""
        known = needed_columns(package.manifest)
        if segment is not None and segment not in known:
            raise UnknownColumnError(segment, known)
        try:
            return await self._answer(package, window, segment)
        except CollectorAwayError as error:
            return self._without_collector(package, error)

    async def check(self, package: Package) -> PerformanceAnswer | None:
        """The scheduler's answer on the manifest's own window: shown by the gauges, kept by the collector. None
        when neither records nor labels have come since the last one. Whatever is raised, the gauges then say that
        nothing is known."""
        async with self._lock:
            try:
                return await self._check(package)
            except Exception:
                self._publish_failure(package)
                raise

    async def _check(self, package: Package) -> PerformanceAnswer | None:
        begun = time.perf_counter()
        key = (package.manifest.name, package.manifest.version)
        try:
            window = Window(rows=package.manifest.monitoring.window_rows)
            sample = await read_sample(self._records, package.manifest, window)
        except CollectorAwayError as error:
            self._seen.pop(key, None)
            return self._publish(self._without_collector(package, error))
        if not sample.every.rows:  # nothing to fit an estimator for
            return self._publish(unknown_answer(package.manifest, "no-records", NO_RECORDS, self._clock()))
        learned = await self._references.get(package, 0)
        digest = _digest(package, sample, learned)
        if self._seen.get(key) == digest:
            return None
        answer = self._publish(await asyncio.to_thread(answer_window, package.manifest, sample, learned, self._clock()))
        self._metrics.seconds.observe(time.perf_counter() - begun)
        if answer.estimated.reason != "fitting" and await self._save(answer):
            self._seen[key] = digest
        return answer

    async def close(self) -> None:
        await self._references.close()

    def forget(self, watched: set[tuple[str, str]]) -> None:
        """Drop the gauges of versions that are not `watched` any more."""
        for key in self._shown - watched:
            self._shown.discard(key)
            self._seen.pop(key, None)
            self._metrics.forget(key)

    def _publish_failure(self, package: Package) -> None:
        """The answer before is not true of now, and must not stand in the gauges as if it were."""
        self._seen.pop((package.manifest.name, package.manifest.version), None)
        message = "performance could not be worked out; the service's log says why"
        self._publish(unknown_answer(package.manifest, "appraisal-failed", message, self._clock()))

    def _publish(self, answer: PerformanceAnswer) -> PerformanceAnswer:
        self._metrics.publish(answer)
        self._shown.add((answer.model, answer.version))
        return answer

    async def _answer(self, package: Package, window: Window, segment: str | None) -> PerformanceAnswer:
        sample = await read_sample(self._records, package.manifest, window)
        learned = await self._references.get(package, WAIT_SECONDS if sample.every.rows else 0)
        return await asyncio.to_thread(answer_window, package.manifest, sample, learned, self._clock(), segment)

    def _without_collector(self, package: Package, error: CollectorAwayError) -> PerformanceAnswer:
        message = f"the records cannot be read now: {error}"
        return unknown_answer(package.manifest, "collector-away", message, self._clock())

    async def _save(self, answer: PerformanceAnswer) -> bool:
        """Have the collector keep an answer on records that it has; whether that needs no second try.

        Curves and slices are left out, which would be ten times as much.
        """
        if not answer.rows or not self._leads():
            return True
        try:
            await self._records.save_run(without_curves(answer), "performance")
        except CollectorAwayError as error:
            self._metrics.unsaved.inc()
            self._log.warning(
                "a performance run was not saved", model=answer.model, version=answer.version, why=str(error)
            )
            return False
        return True


def _digest(package: Package, sample: WindowSample, learned: LearnedReference) -> bytes:
    """Changes with the records, their labels, the package, and an estimator that was not there before."""
    manifest, kind = package.manifest, type(learned.estimator).__name__
    digest = hashlib.sha256(repr((manifest.files, manifest.monitoring, kind, sample.window_rows)).encode())
    for part in (sample.every.table, sample.labelled.table):
        for name in ("id", LABEL):
            if name in part.column_names:
                digest.update(repr(part.column(name).to_pylist()).encode())
        if LABELLED_AT in part.column_names:  # as numbers, because Arrow imports pandas to make Python's moments
            digest.update(read_numbers(part.column(LABELLED_AT)).values.tobytes())
    return digest.digest()
