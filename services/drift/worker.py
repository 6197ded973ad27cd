"""The parent's side of the worker: started when first needed, stopped when it fails, hangs or grows."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import structlog

from services.drift.errors import ReportError
from services.drift.metrics import ReportMetrics
from services.drift.performance.loss_model import FitJob, LossModel
from services.drift.report.job import ReportAnswer, ReportJob

# nothing is reported home, and a report takes one core, not all
QUIET = {"DO_NOT_TRACK": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_decoder = msgspec.msgpack.Decoder(ReportAnswer)
_models = msgspec.msgpack.Decoder(LossModel)


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """`memory_bytes` ends a report that needs more; past `retire_bytes` the worker is replaced after its report."""

    seconds: float = 120
    memory_bytes: int = 3_000_000_000
    retire_bytes: int = 1_000_000_000


class ReportWorker:
    """Makes reports and fits models, one at a time, in one process that outlives them. `environment` is what the
    process gets."""

    def __init__(self, limits: WorkerLimits, metrics: ReportMetrics, environment: Mapping[str, str]) -> None:
        self._limits, self._metrics, self._environment = limits, metrics, {**environment, **QUIET}
        self._process: Process | None = None
        self._lock = asyncio.Lock()
        self._reported = False  # a worker that only ever fitted is let go: it holds 200 MB, and no Evidently yet
        self._log = structlog.get_logger("worker")
        metrics.worker_up.set_function(self._is_up)  # it may be killed while nobody asks anything of it

    async def make(self, job: ReportJob) -> ReportAnswer:
        """Evidently's report of the job. Raises ReportError."""
        return await self._ask(job, "report")

    async def fit(self, job: FitJob) -> LossModel:
        """The model of errors for the job. Raises ReportError."""
        answer = await self._ask(job, "fit")
        try:
            return _models.decode(answer.data)
        except msgspec.MsgspecError as error:
            raise ReportError(f"the fit is not what was asked for: {error}") from error

    async def _ask(self, job: ReportJob | FitJob, work: str) -> ReportAnswer:
        async with self._lock:
            try:
                answer = await asyncio.wait_for(self._exchange(job), self._limits.seconds)
            except TimeoutError as error:
                await self.stop()
                raise ReportError(f"the {work} took more than {self._limits.seconds:g} s and was stopped") from error
            except (OSError, EOFError, msgspec.MsgspecError) as error:
                await self.stop()
                raise ReportError(
                    f"the report worker died ({type(error).__name__}); the next {work} has a new one"
                ) from error
            except asyncio.CancelledError:
                await self.stop()  # its answer would be taken for the next job's
                raise
            self._metrics.worker_memory.set(answer.memory_bytes)
            self._reported = self._reported or work == "report"
            if answer.exhausted or answer.memory_bytes > self._limits.retire_bytes or not self._reported:
                await self.stop()
        if answer.error:
            who = "Evidently could not make the report" if work == "report" else "the fit failed"
            raise ReportError(f"{who}: {answer.error}")
        return answer

    async def stop(self) -> None:
        """Kill the process, if there is one, and wait until it is gone."""
        process, self._process, self._reported = self._process, None, False
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()

    def _is_up(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _exchange(self, job: ReportJob | FitJob) -> ReportAnswer:
        process = await self._running()
        assert process.stdin is not None and process.stdout is not None
        message = msgspec.msgpack.encode(job)
        process.stdin.write(len(message).to_bytes(8))
        process.stdin.write(message)
        await process.stdin.drain()
        length = int.from_bytes(await process.stdout.readexactly(8))
        return _decoder.decode(await process.stdout.readexactly(length))

    async def _running(self) -> Process:
        if self._process is not None and self._is_up():
            return self._process
        command = [sys.executable, "-m", "services.drift.report.worker_process", str(self._limits.memory_bytes)]
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, env=self._environment, start_new_session=True
        )
        self._metrics.worker_starts.inc()
        self._log.info("report worker started", pid=self._process.pid)
        return self._process
