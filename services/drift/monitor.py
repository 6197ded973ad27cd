"""Scoring: read a window, compare it with the baseline, remember the newest run of each model version."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

import pyarrow as pa

from pilothouse.manifest import Manifest
from pilothouse.package import Package
from services.drift.errors import CollectorAwayError, ReferenceFault
from services.drift.records import EMBEDDING, LABEL, Records
from services.drift.reference.baseline import Baseline, Baselines, Stamp, read_stamp
from services.drift.reference.joint_embedding import MOST_WINDOW_ROWS
from services.drift.run import Basis, Run, run_of
from services.drift.verdict import WindowResult, judge, unknown
from services.drift.window import Window, show_moment

FRESH_MS = 1_000  # so long a verdict stands, however fast records come
Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Scored:
    """A run with what it was made from; `baseline` and `table` are None where nothing could be compared."""

    run: Run
    result: WindowResult
    baseline: Baseline | None = None
    table: pa.Table | None = None


class DriftMonitor:
    """`clock` gives milliseconds since the epoch. `newest` holds the last run of every model version."""

    def __init__(self, records: Records, baselines: Baselines, clock: Clock) -> None:
        self.newest: dict[tuple[str, str], Run] = {}
        self._records, self._baselines, self._clock = records, baselines, clock
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def score(self, package: Package, window: Window, *, every_column: bool = False) -> Scored:
        """Compare a window. What the data cannot say is a verdict; raises CollectorAwayError only.

        `every_column`: read what a report shows too, not only what drift is measured on.
        """
        manifest, at = package.manifest, self._clock()
        basis = await self.basis(package)
        if basis.newest is None:
            nothing = unknown("no-records", "nothing was logged yet by this version of the model")
            return Scored(run_of(manifest, window, nothing, at, basis), nothing)
        try:
            baseline = await self._baselines.get(package)
        except ReferenceFault as fault:
            nothing = unknown(fault.reason, str(fault))
            return Scored(run_of(manifest, window, nothing, at, basis), nothing)
        names = _columns(manifest, baseline, every_column)
        rows = await self._records.read(manifest.name, manifest.version, window, names, with_labels=every_column)
        embeddings = await self._embeddings(manifest, baseline, window)
        reference, thresholds = baseline.reference, baseline.thresholds
        result = await asyncio.to_thread(judge, manifest, reference, thresholds, rows.table, embeddings)
        run = await asyncio.to_thread(run_of, manifest, window, result, at, basis, compared=(rows, reference))
        return Scored(run, result, baseline, rows.table)

    async def basis(self, package: Package) -> Basis:
        """What a run would be made from now. Raises CollectorAwayError."""
        key = (package.manifest.name, package.manifest.version)
        newest = await self._records.newest(*key)
        return Basis(newest, await self._records.count(*key) if newest else 0, _stamp(package))

    async def _embeddings(self, manifest: Manifest, baseline: Baseline, window: Window) -> pa.Table | None:
        """A smaller sample of the window, with the embedding only, where it is watched."""
        if EMBEDDING not in baseline.reference.joint:
            return None
        rows = await self._records.read(manifest.name, manifest.version, window, [EMBEDDING], most=MOST_WINDOW_ROWS)
        return rows.table

    async def score_newest(self, package: Package) -> Run:
        """Score the window that the manifest names, and remember it. Raises CollectorAwayError."""
        window = Window(rows=package.manifest.monitoring.window_rows)
        run = (await self.score(package, window)).run
        self.newest[run.key] = run
        return run

    async def current(self, package: Package) -> tuple[Run, bool]:
        """The last run, or a new one where its basis has changed since; whether it is new.

        While the collector is away, the last run is marked stale: no verdict is better than an old one passed for new.
        """
        key = (package.manifest.name, package.manifest.version)
        async with self._locks[key]:
            last = self.newest.get(key)
            try:
                if last and _lasts(last, await self.basis(package), self._clock()):
                    return last, False
                return await self.score_newest(package), True
            except CollectorAwayError as error:
                return self._without_collector(package, last, error), True

    def _without_collector(self, package: Package, last: Run | None, error: CollectorAwayError) -> Run:
        if last is None or last.answer.reason == "collector-away":
            window = Window(rows=package.manifest.monitoring.window_rows)
            run = run_of(package.manifest, window, unknown("collector-away", str(error)), self._clock())
        else:
            since = f"this was said at {show_moment(last.at_ms)}; the collector has been away since then ({error})"
            message = f"{last.answer.message}; {since}"
            stale = last.answer.model_copy(update={"stale": True, "message": message})
            run = last if last.answer.stale else replace(last, answer=stale)
        self.newest[run.key] = run
        return run

    def forget(self, watched: set[tuple[str, str]]) -> list[tuple[str, str]]:
        """Drop the runs of versions that are not `watched` any more, and say which they were."""
        gone = [key for key in self.newest if key not in watched]
        for key in gone:
            del self.newest[key]
            self._locks.pop(key, None)
        return gone


def _stamp(package: Package) -> Stamp | None:
    try:
        return read_stamp(package)
    except ReferenceFault:
        return None


def _lasts(run: Run, basis: Basis, now_ms: int) -> bool:
    """Whether the run still holds: its basis is the same and nothing else could change it, or it is a second old."""
    compared = run.answer.reason == "compared"
    unchanged = basis == run.basis and (compared or run.answer.reason == "too-few-rows")
    return not run.answer.stale and (unchanged or (compared and now_ms - run.at_ms < FRESH_MS))


def _columns(manifest: Manifest, baseline: Baseline, every_column: bool) -> list[str]:
    monitored = [c.name for c in manifest.monitored_columns]
    if not every_column:
        return monitored
    shown = [n for n in baseline.reference.table.column_names if n != LABEL]
    return list(dict.fromkeys([*monitored, *shown]))
