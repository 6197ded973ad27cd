"""Asking for appraisals: when somebody wants one, and by the scheduler, for the gauges and the collector's history."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from pilothouse.package import Package
from services.drift.errors import CollectorAwayError, UnknownColumnError
from services.drift.performance.appraisal import Appraisal, Side
from services.drift.performance.appraiser import Knowledge, appraise, without_records
from services.drift.performance.gauges import PerformanceMetrics
from services.drift.performance.measured import NO_RECORDS
from services.drift.performance.sample import LABELLED_AT, Sample, needed_columns, read_sample
from services.drift.records import Records
from services.drift.reference import LABEL
from services.drift.values import read_numbers
from services.drift.window import Window

WAIT_SECONDS = 20.0  # that a caller may wait for the first fit


class Knowing(Protocol):
    async def get(self, package: Package, wait_seconds: float) -> Knowledge:
        """What is known of a model version; an estimator that is not fitted in time says so instead of estimating."""

    async def close(self) -> None: ...


class PerformanceWatch:
    """`clock` gives milliseconds since the epoch. `leads` says whether scheduled appraisals are kept."""

    def __init__(
        self,
        records: Records,
        knowing: Knowing,
        metrics: PerformanceMetrics,
        clock: Callable[[], int],
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._records, self._knowing, self._metrics, self._clock = records, knowing, metrics, clock
        self._leads = leads
        self._lock = asyncio.Lock()  # two at once would both find news in the same records
        self._shown: set[tuple[str, str]] = set()
        self._seen: dict[tuple[str, str], bytes] = {}
        self._log = structlog.get_logger("performance")

    async def answer(self, package: Package, window: Window, segment: str | None = None) -> Appraisal:
        """Appraise a window now. Raises UnknownColumnError for a segment that is no column; while the collector is
        away there is no answer but that."""
        known = needed_columns(package.manifest)
        if segment is not None and segment not in known:
            raise UnknownColumnError(segment, known)
        try:
            return await self._appraise(package, window, segment, WAIT_SECONDS)
        except CollectorAwayError as error:
            return self._without_collector(package, error)

    async def check(self, package: Package) -> Appraisal | None:
        """The scheduler's appraisal of the manifest's own window: shown by the gauges, kept by the collector. None
        when neither records nor labels have come since the last one. Whatever is raised, the gauges then say that
        nothing is known."""
        async with self._lock:
            try:
                return await self._check(package)
            except Exception:
                self._publish_failure(package)
                raise

    async def _check(self, package: Package) -> Appraisal | None:
        begun = time.perf_counter()
        key = (package.manifest.name, package.manifest.version)
        try:
            sample = await self._read(package, Window(rows=package.manifest.monitoring.window_rows))
        except CollectorAwayError as error:
            self._seen.pop(key, None)
            return self._publish(self._without_collector(package, error))
        if not sample.every.rows:  # nothing to fit an estimator for
            return self._publish(without_records(package.manifest, NO_RECORDS, self._clock()))
        knowledge = await self._knowing.get(package, 0)
        digest = _digest(package, sample, knowledge)
        if self._seen.get(key) == digest:
            return None
        said = self._publish(await asyncio.to_thread(appraise, package.manifest, sample, knowledge, self._clock()))
        self._metrics.seconds.observe(time.perf_counter() - begun)
        if said.estimated.reason != "fitting" and await self._save(said):
            self._seen[key] = digest
        return said

    async def close(self) -> None:
        await self._knowing.close()

    def forget(self, watched: set[tuple[str, str]]) -> None:
        """Drop what was said of versions that are not `watched` any more."""
        for key in self._shown - watched:
            self._shown.discard(key)
            self._seen.pop(key, None)
            self._metrics.forget(key)

    def _publish_failure(self, package: Package) -> None:
        """What was said before is not true of now, and must not stand in the gauges as if it were."""
        self._seen.pop((package.manifest.name, package.manifest.version), None)
        why = Side("unknown", "appraisal-failed", "the records could not be appraised; the service's log says why")
        self._publish(without_records(package.manifest, why, self._clock()))

    def _publish(self, said: Appraisal) -> Appraisal:
        self._metrics.publish(said)
        self._shown.add(said.key)
        return said

    async def _appraise(self, package: Package, window: Window, segment: str | None, wait: float) -> Appraisal:
        sample = await self._read(package, window)
        knowledge = await self._knowing.get(package, wait if sample.every.rows else 0)
        return await asyncio.to_thread(appraise, package.manifest, sample, knowledge, self._clock(), segment)

    async def _read(self, package: Package, window: Window) -> Sample:
        return await read_sample(self._records, package.manifest, window)

    def _without_collector(self, package: Package, error: CollectorAwayError) -> Appraisal:
        why = Side("unknown", "collector-away", f"the records cannot be read now: {error}")
        return without_records(package.manifest, why, self._clock())

    async def _save(self, said: Appraisal) -> bool:
        """Have the collector keep an appraisal of records that it has; whether that needs no second try."""
        if not said.rows or not self._leads():
            return True
        try:
            await self._records.save_run(said.as_record(), "performance")
        except CollectorAwayError as error:
            self._metrics.unsaved.inc()
            self._log.warning("an appraisal was not saved", model=said.model, version=said.version, why=str(error))
            return False
        return True


def _digest(package: Package, sample: Sample, knowledge: Knowledge) -> bytes:
    """Changes with the records, their labels, the package, and an estimator that was not there before."""
    manifest, kind = package.manifest, type(knowledge.estimator).__name__
    digest = hashlib.sha256(repr((manifest.files, manifest.monitoring, kind, sample.window_rows)).encode())
    for part in (sample.every.table, sample.labelled.table):
        for name in ("id", LABEL):
            if name in part.column_names:
                digest.update(repr(part.column(name).to_pylist()).encode())
        if LABELLED_AT in part.column_names:  # as numbers, because Arrow imports pandas to make Python's moments
            digest.update(read_numbers(part.column(LABELLED_AT)).values.tobytes())
    return digest.digest()
