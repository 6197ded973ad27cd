"""What is learned from each reference, once: how good the model is on it, and an estimator.

Calibrating probabilities is a matter of milliseconds in numpy and done here. A model of errors takes scikit-learn and
seconds: the worker process fits it, once for a reference, and what comes back is a few hundred small trees as arrays,
kept in the state folder and applied in numpy. So scoring is cheap, and this process never imports scikit-learn.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import pyarrow as pa
import structlog

from pilothouse.manifest import Manifest
from pilothouse.package import Package
from pilothouse.tasks import task_of
from pilothouse.wire.performance import EstimatedSide
from services.drift.errors import DriftError, ReferenceFault
from services.drift.performance.assumption import AssumptionCheck
from services.drift.performance.estimator import Estimator, LearnedEstimator, NoEstimator
from services.drift.performance.intervals import MetricResult
from services.drift.performance.loss_model import FitJob, LossModel
from services.drift.performance.tasks import performance_of
from services.drift.process import give_back
from services.drift.reference.baseline import Baseline, Baselines
from services.drift.store import Store

KEPT = 16
METHOD_VERSION = 1  # raise it when what is fitted changes: stored models are then fitted anew
RETRY_SECONDS = 300.0
DONE_KEPT = 16  # models that nobody came back for; should the store not have one, it is fitted again


class Fitter(Protocol):
    async def fit(self, job: FitJob) -> LossModel:
        """Raises DriftError."""


class Fits:
    """Models of errors that are being fitted, each once, however many ask for it. `timer` gives seconds that only rise.

    They are kept by what is learned, apart from the versions that were last asked for: with more versions than those, a
    fit would otherwise be forgotten before it is done, and begun again each time. What is done is in the store.
    """

    def __init__(self, fitter: Fitter, store: Store[LossModel], timer: Callable[[], float]) -> None:
        self._fitter, self._store, self._timer = fitter, store, timer
        self._tasks: dict[str, asyncio.Task[LossModel | DriftError]] = {}
        self._failed: dict[str, tuple[float, DriftError]] = {}

    async def get(self, job: FitJob, wait_seconds: float) -> LossModel | DriftError | None:
        """The model; why there is none, for a while after it could not be fitted; None when it is not there in time."""
        failed_at, error = self._failed.get(job.key, (0.0, None))
        if error is not None and self._timer() - failed_at < RETRY_SECONDS:
            return error
        task = self._tasks.get(job.key) or self._begin(job)
        await asyncio.wait({task}, timeout=wait_seconds)
        if not task.done():
            return None
        if self._tasks.get(job.key) is task:
            del self._tasks[job.key]
        return task.result()

    async def close(self) -> None:
        """Give up what is being fitted."""
        tasks = [task for task in self._tasks.values() if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, job: FitJob) -> asyncio.Task[LossModel | DriftError]:
        done = [key for key, task in self._tasks.items() if task.done()]
        for key in done[: max(len(done) - DONE_KEPT, 0)]:
            del self._tasks[key]
        self._tasks[job.key] = task = asyncio.create_task(self._fit(job))
        return task

    async def _fit(self, job: FitJob) -> LossModel | DriftError:
        try:
            model = await self._fitter.fit(job)
        except DriftError as error:
            self._failed[job.key] = self._timer(), error
            structlog.get_logger("performance").warning("errors could not be learned", why=str(error))
            self._tasks.pop(job.key, None)
            return error
        self._failed.pop(job.key, None)
        await asyncio.to_thread(self._store.write, model)
        return model


@dataclass(frozen=True)
class LearnedReference:
    """What is known of a model version beforehand: its reference (None when it cannot be used), the metrics that were
    measured on it, and the estimator that was made from it."""

    table: pa.Table | None
    results: Mapping[str, MetricResult]
    estimator: Estimator = field(repr=False)


@dataclass(slots=True)
class _Entry:
    """What was made of one baseline. `pending` is set while its model of errors is not fitted yet.

    It is the worker's job, and what makes the estimator of the fitted model.
    """

    baseline: Baseline
    learned: LearnedReference
    pending: tuple[FitJob, Callable[[LossModel], LearnedEstimator]] | None = None


class LearnedReferences:
    """Of the model versions that were last asked for. Satisfies `monitor.References`."""

    def __init__(
        self, baselines: Baselines, fitter: Fitter, store: Store[LossModel], timer: Callable[[], float]
    ) -> None:
        self._baselines, self._store, self._fits = baselines, store, Fits(fitter, store, timer)
        self._kept: OrderedDict[Path, _Entry] = OrderedDict()
        self._lock = asyncio.Lock()

    async def get(self, package: Package, wait_seconds: float) -> LearnedReference:
        try:
            baseline = await self._baselines.get(package)
        except ReferenceFault as fault:
            side = EstimatedSide(reason=fault.reason, message=f"there is nothing to estimate from: {fault}")
            return LearnedReference(None, {}, NoEstimator(side))
        entry = await self._entry(package, baseline)
        if entry.pending is not None:
            job, finish = entry.pending
            model = await self._fits.get(job, wait_seconds)
            if entry.pending is not None:  # others may have waited for the same fit, and been answered first
                if isinstance(model, DriftError):
                    entry.learned = replace(entry.learned, estimator=_failed(package.manifest, model))
                elif model is not None:
                    entry.learned, entry.pending = replace(entry.learned, estimator=finish(model)), None
        return entry.learned

    async def close(self) -> None:
        """Give up what is being fitted."""
        await self._fits.close()

    async def _entry(self, package: Package, baseline: Baseline) -> _Entry:
        async with self._lock:
            entry = self._kept.get(package.folder)
            if entry is None or entry.baseline is not baseline:
                entry = await asyncio.to_thread(_study, package.manifest, baseline, self._store)
                self._kept[package.folder] = entry
                give_back()
            self._kept.move_to_end(package.folder)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return entry


def _study(manifest: Manifest, baseline: Baseline, store: Store[LossModel]) -> _Entry:
    """What can be known without the worker."""
    table, task = baseline.reference.table, performance_of(manifest)
    results, lesson = _measure(manifest, table), task.learn(manifest, table, _key(baseline, manifest))
    if isinstance(lesson, EstimatedSide):
        return _Entry(baseline, LearnedReference(table, results, NoEstimator(lesson)))
    assumption, estimate = AssumptionCheck(manifest, table), lesson.estimate

    def finish(model: LossModel | None) -> LearnedEstimator:
        return LearnedEstimator(manifest, task.method, assumption, lambda part, rows: estimate(part, rows, model))

    model = None if lesson.job is None else store.read(lesson.job.key)
    if lesson.job is None or model is not None:
        return _Entry(baseline, LearnedReference(table, results, finish(model)))
    message = "errors are being learned from the reference; ask again soon"
    fitting = NoEstimator(EstimatedSide(reason="fitting", message=message, method=task.method))
    return _Entry(baseline, LearnedReference(table, results, fitting), (lesson.job, finish))


def _failed(manifest: Manifest, error: DriftError) -> NoEstimator:
    message = f"errors could not be learned: {error}"
    return NoEstimator(EstimatedSide(reason="fit-failed", message=message, method=performance_of(manifest).method))


def _measure(manifest: Manifest, reference: pa.Table) -> dict[str, MetricResult]:
    """The metrics of the reference; none without labels."""
    outcomes = performance_of(manifest).read(manifest, reference)
    labelled = outcomes.take(np.flatnonzero(outcomes.labelled))
    return labelled.measure(task_of(manifest).metric_names, draws=0) if len(labelled.truth) else {}


def _key(baseline: Baseline, manifest: Manifest) -> str:
    files = {name: file.sha256 for name, file in sorted(manifest.files.items()) if name.endswith(".parquet")}
    columns = [(c, str(baseline.reference.table.schema.field(c).type)) for c in baseline.reference.table.column_names]
    return hashlib.sha256(msgspec.json.encode([METHOD_VERSION, files, columns])).hexdigest()
