"""What is known of model versions, learned from each reference once.

Calibrating probabilities is a matter of milliseconds in numpy and done here. A model of errors takes scikit-learn and
seconds: the worker process fits it, once for a reference, and what comes back is a few hundred small trees as arrays,
kept in the state folder and applied in numpy. So scoring is cheap, and this process never imports scikit-learn.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from pilothouse.manifest import Manifest
from pilothouse.package import Package
from services.drift.baseline import Baseline, Baselines
from services.drift.errors import DriftError, ReferenceFault
from services.drift.performance import cbpe, dle
from services.drift.performance.appraisal import Side
from services.drift.performance.appraiser import Knowledge
from services.drift.performance.expectation import NoEstimator
from services.drift.performance.expected import Expecting
from services.drift.performance.familiarity import Familiarity
from services.drift.performance.fits import Fits, Fitter, Store
from services.drift.performance.loss_model import LossModel
from services.drift.performance.metric import Value, metrics_of
from services.drift.performance.outcomes import Classes, Outcomes, read_outcomes
from services.drift.performance.sample import Part
from services.drift.performance.scoring import measure

KEPT = 16
METHOD_VERSION = 1  # raise it when what is fitted changes: stored models are then fitted anew
_FITTING = Side("unknown", "fitting", "errors are being learned from the reference; ask again soon", method=dle.METHOD)


@dataclass(slots=True)
class _Entry:
    """What was made of one baseline. `lesson` is set while its model of errors is not fitted yet."""

    baseline: Baseline
    knowledge: Knowledge
    familiarity: Familiarity | None = None
    lesson: dle.Lesson | None = None


class KnowledgeBase:
    """Satisfies `watch.Knowing`. `timer` gives seconds that only rise."""

    def __init__(self, baselines: Baselines, fitter: Fitter, store: Store, timer: Callable[[], float]) -> None:
        self._baselines, self._store, self._fits = baselines, store, Fits(fitter, store, timer)
        self._kept: OrderedDict[Path, _Entry] = OrderedDict()
        self._lock = asyncio.Lock()

    async def get(self, package: Package, wait_seconds: float) -> Knowledge:
        try:
            baseline = await self._baselines.get(package)
        except ReferenceFault as fault:
            side = Side("unknown", fault.reason, f"there is nothing to estimate from: {fault}")
            return Knowledge(None, {}, NoEstimator(side))
        entry = await self._entry(package, baseline)
        if entry.lesson is not None:
            await self._learn(package.manifest, entry, entry.lesson, wait_seconds)
        return entry.knowledge

    async def close(self) -> None:
        """Give up what is being fitted."""
        await self._fits.close()

    async def _entry(self, package: Package, baseline: Baseline) -> _Entry:
        async with self._lock:
            entry = self._kept.get(package.folder)
            if entry is None or entry.baseline is not baseline:
                entry = await asyncio.to_thread(_study, package.manifest, baseline, self._store)
                self._kept[package.folder] = entry
            self._kept.move_to_end(package.folder)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return entry

    async def _learn(self, manifest: Manifest, entry: _Entry, lesson: dle.Lesson, wait_seconds: float) -> None:
        """Have the lesson fitted and wait for it so long. Others may wait for the same, and be told first."""
        model = await self._fits.get(lesson.job, wait_seconds)
        if model is None or entry.lesson is None:
            return
        if isinstance(model, DriftError):
            side = Side("unknown", "fit-failed", f"errors could not be learned: {model}", method=dle.METHOD)
            entry.knowledge = replace(entry.knowledge, estimator=NoEstimator(side))
            return
        entry.lesson = None
        assert entry.familiarity is not None
        entry.knowledge = replace(entry.knowledge, estimator=_of_errors(manifest, entry.familiarity, lesson, model))


def _study(manifest: Manifest, baseline: Baseline, store: Store) -> _Entry:
    """What can be known without the worker."""
    table = baseline.reference.table
    outcomes = read_outcomes(manifest, table)
    values = _measure(manifest, outcomes)

    def knowing_nothing(side: Side) -> _Entry:
        return _Entry(baseline, Knowledge(table, values, NoEstimator(side)))

    if isinstance(outcomes, Classes):
        calibrated = cbpe.learn(outcomes)
        if isinstance(calibrated, Side):
            return knowing_nothing(calibrated)
        expecting = _of_confidence(manifest, Familiarity(manifest, table), calibrated)
        return _Entry(baseline, Knowledge(table, values, expecting))
    lesson = dle.prepare(manifest, table, outcomes, _key(baseline, manifest))
    if isinstance(lesson, Side):
        return knowing_nothing(lesson)
    familiarity = Familiarity(manifest, table)
    model = store.read(lesson.job.key)
    if model is not None:
        return _Entry(baseline, Knowledge(table, values, _of_errors(manifest, familiarity, lesson, model)))
    return _Entry(baseline, Knowledge(table, values, NoEstimator(_FITTING)), familiarity, lesson)


def _of_confidence(manifest: Manifest, familiarity: Familiarity, calibrated: cbpe.Calibrated) -> Expecting:
    def estimate(part: Part) -> cbpe.ClassEstimate | Side:
        assert isinstance(part.outcomes, Classes)
        if part.outcomes.scores is None:
            return Side("unknown", "no-probabilities", "the records have no probabilities", method=cbpe.METHOD)
        return calibrated.estimate(part.outcomes)

    return Expecting(manifest, cbpe.METHOD, familiarity, estimate)


def _of_errors(manifest: Manifest, familiarity: Familiarity, lesson: dle.Lesson, model: LossModel) -> Expecting:
    return Expecting(manifest, dle.METHOD, familiarity, dle.Learned(lesson.encoding, model).estimate)


def _measure(manifest: Manifest, outcomes: Outcomes) -> dict[str, Value]:
    """The metrics of the reference; none without labels."""
    labelled = outcomes.take(np.flatnonzero(outcomes.labelled))
    known = len(labelled.truth) > 0
    return measure(labelled, metrics_of(manifest.task), draws=0) if known else {}


def _key(baseline: Baseline, manifest: Manifest) -> str:
    files = {name: file.sha256 for name, file in sorted(manifest.files.items()) if name.endswith(".parquet")}
    columns = [(c, str(baseline.reference.table.schema.field(c).type)) for c in baseline.reference.table.column_names]
    return hashlib.sha256(msgspec.json.encode([METHOD_VERSION, files, columns])).hexdigest()
