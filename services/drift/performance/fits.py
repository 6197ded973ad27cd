"""Models of errors that are being fitted, each once, whoever asks for it and however many do.

They are kept by what is learned, apart from the versions that were last asked for: with more versions than those, a fit
would otherwise be forgotten before it is done, and begun again each time. What is done is in the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from services.drift.errors import DriftError
from services.drift.performance.fit_job import FitJob
from services.drift.performance.loss_model import LossModel

RETRY_SECONDS = 300.0
DONE_KEPT = 16  # models that nobody came back for; should the store not have one, it is fitted again


class Fitter(Protocol):
    async def fit(self, job: FitJob) -> LossModel:
        """Raises DriftError."""


class Store(Protocol):
    """Where fitted models are kept between two runs of the service."""

    def read(self, key: str) -> LossModel | None: ...

    def write(self, model: LossModel) -> None: ...


class Fits:
    """`timer` gives seconds that only rise."""

    def __init__(self, fitter: Fitter, store: Store, timer: Callable[[], float]) -> None:
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
