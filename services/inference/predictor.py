"""One served model version: from validated inputs to logged predictions.

Requests of one turn of the event loop share one run of the model and one write to the log. No timer: a window of 2 ms
cut a single client from 1,250 to 230 requests/s. What arrives in a turn is run at its end; what arrives while a run is
under way in a thread is run next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Protocol

import msgspec
import numpy as np

from pilothouse.errors import OutputError, PackageError
from pilothouse.ids import uuid7_many
from pilothouse.manifest import ImageInput
from pilothouse.model import Inputs, Model, Outputs
from pilothouse.serving.spans import Spans
from services.inference.call_spans import record_run
from services.inference.errors import NotLoggedError, SpoolError
from services.inference.metrics import ModelMetrics
from services.inference.native import ResponseWriter
from services.inference.prediction import Answer, Call
from services.inference.spool.segments import encode_frame

_encoder = msgspec.msgpack.Encoder()
_MAX_ROWS, _MAX_IMAGES = 64, 32
_RUN_STAGES = ("preprocess", "model", "postprocess", "log")


class Log(Protocol):
    """Where records go before the answer does."""

    def append_records(self, frames: list[bytes]) -> None:
        """Raises SpoolError when they could not be written."""


class _Waiting(msgspec.Struct):
    call: Call
    rows: int
    answer: asyncio.Future[Answer]


class TurnBatcher:
    """Runs `work` on what was submitted in one turn.

    `work` takes a list of items and returns a result or an exception for each. A batch holds at most `max_rows` rows,
    but always at least one item. `inline(rows)` says whether a batch may run on the event loop or goes to a thread.
    """

    def __init__(
        self,
        work: Callable[[list[Call]], list[Answer | Exception]],
        max_rows: int,
        inline: Callable[[int], bool],
        executor: ThreadPoolExecutor,
    ) -> None:
        self._work, self._max_rows, self._inline, self._executor = work, max_rows, inline, executor
        self._waiting: list[_Waiting] = []
        self._scheduled = False
        self._running: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def submit(self, call: Call, rows: int) -> asyncio.Future[Answer]:
        """What `work` will have returned for this item, to be awaited; raises the exception that it returned."""
        loop = self._loop = self._loop or asyncio.get_running_loop()  # each question costs a system call
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append(_Waiting(call, rows, answer))
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._turn)
        return answer

    def _turn(self) -> None:
        while self._waiting:
            batch = self._take()
            if self._inline(sum(w.rows for w in batch)):
                _tell(batch, _guard(self._work, [w.call for w in batch]))
                continue
            self._running = asyncio.get_running_loop().create_task(self._run_in_thread(batch))
            return
        self._scheduled = False

    async def _run_in_thread(self, batch: list[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        items = [w.call for w in batch]
        try:
            results = await loop.run_in_executor(self._executor, _guard, self._work, items)
            _tell(batch, results)
        finally:
            self._turn()

    def _take(self) -> list[_Waiting]:
        rows, count = 0, 0
        for waiting in self._waiting:
            if count and rows + waiting.rows > self._max_rows:
                break
            rows, count = rows + waiting.rows, count + 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch


def _guard(work: Callable[[list[Call]], list[Answer | Exception]], items: list[Call]) -> list[Answer | Exception]:
    """Whatever the work raises is each caller's answer, so that no request waits for ever."""
    try:
        return work(items)
    except Exception as error:
        return [error] * len(items)


def _tell(batch: list[_Waiting], results: list[Answer | Exception]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        if waiting.answer.done():  # its caller went away
            continue
        if isinstance(result, Exception):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(result)


class Predictor:
    """Answers requests for one model version; those of one turn of the event loop share a run and a write."""

    def __init__(
        self,
        model: Model,
        log: Log,
        metrics: ModelMetrics,
        *,
        schema: bytes,
        inline_seconds: float,
        strict: bool,
        executor: ThreadPoolExecutor,
        spans: Spans | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.model, self.manifest = model, model.manifest
        self._spans = spans
        self.metrics = metrics
        self.named = {"model": model.manifest.name, "version": model.manifest.version}
        self.writer = ResponseWriter(model.manifest)
        self._log, self._schema, self._strict, self._clock = log, schema, strict, clock
        self._inline_seconds = inline_seconds
        self._run_seconds, self._row_seconds = 0.0, 0.0
        most = _MAX_IMAGES if isinstance(model.manifest.input, ImageInput) else _MAX_ROWS
        self._batcher = TurnBatcher(self._work, most, self.runs_inline, executor)

    def warm_up(self, inputs: Inputs) -> None:
        """Run once to load everything, then measure what a run and a row cost; see `runs_inline`.

        Raises PackageError when the graph cannot be run on what the manifest says it takes.
        """
        many = Inputs(inputs.rows * 16)
        try:
            self.model.run(many)
        except Exception as error:  # ONNX Runtime's exceptions share no base class of their own
            raise PackageError(f"{self.manifest.key}: the graph cannot be run: {error}") from error
        one, sixteen = (min(self._time(i) for _ in range(3)) for i in (inputs, many))
        self._row_seconds = max(0.0, (sixteen - one) / 15)
        self._run_seconds = max(0.0, one - self._row_seconds)
        self.metrics.warmed_up(one, inline=self.runs_inline(1))

    def runs_inline(self, rows: int) -> bool:
        """Whether a batch is expected to be quick enough to run on the event loop."""
        return self._run_seconds + rows * self._row_seconds <= self._inline_seconds

    def predict(self, call: Call) -> asyncio.Future[Answer]:
        """To be awaited. Raises OutputError when the model answers nonsense, NotLoggedError in strict mode."""
        return self._batcher.submit(call, len(call.inputs))

    def _work(self, calls: list[Call]) -> list[Answer | Exception]:
        started = self._clock()
        inputs = calls[0].inputs if len(calls) == 1 else Inputs([row for call in calls for row in call.inputs.rows])
        try:
            outputs, times = self._run(inputs)
        except Exception as error:
            if len(calls) > 1:
                return [self._alone(call) for call in calls]
            self.metrics.failed.inc(len(inputs))
            raise OutputError(f"{self.manifest.key} could not answer: {error}") from error
        answers = self._record(calls, inputs, outputs, times[-1])
        self._count(calls, outputs, (started, *times))
        return answers

    def _run(self, inputs: Inputs) -> tuple[Outputs, tuple[float, float, float]]:
        """The outputs, and when the inputs were tensors, the graph had answered, and its answer was understood."""
        tensors = self.model.tensors(inputs)
        prepared = self._clock()
        raw = self.model.infer(tensors)
        inferred = self._clock()
        outputs = self.model.interpret(raw, len(inputs))
        return outputs, (prepared, inferred, self._clock())

    def _alone(self, call: Call) -> Answer | Exception:
        """One of a batch failed: each is run by itself, so that it fails alone."""
        try:
            return self._work([call])[0]
        except OutputError as error:
            return error

    def _record(self, calls: list[Call], inputs: Inputs, outputs: Outputs, answered: float) -> list[Answer | Exception]:
        rows, ids = self.model.log_rows(inputs, outputs), uuid7_many(len(inputs))
        encode, schema, frames, answers, first = _encoder.encode, self._schema, list[bytes](), list[Answer](), 0
        for call in calls:
            latency_ms = (answered - call.begun) * 1000
            after = first + len(call.inputs.rows)
            for row in range(first, after):
                record = (ids[row], latency_ms, call.source, call.trace_id, *rows[row])
                frames.append(encode_frame(schema, encode(record)))
            answers.append(Answer(ids[first:after], outputs, first, True, latency_ms))
            first = after
        if not self._append(frames):
            if self._strict:
                why = "the prediction could not be logged, and this service is set to be strict"
                return [NotLoggedError(why) for _ in answers]
            for answer in answers:
                answer.logged = False
        return list(answers)

    def _append(self, frames: list[bytes]) -> bool:
        try:
            self._log.append_records(frames)
        except SpoolError:
            self.metrics.unlogged.inc(len(frames))
            return False
        return True

    def _count(self, calls: list[Call], outputs: Outputs, times: tuple[float, ...]) -> None:
        """`times` are when the batch was started and when each of its stages but the last had ended."""
        stages, times = self.metrics.stages, (*times, self._clock())
        for name, (begun, ended) in zip(_RUN_STAGES, pairwise(times), strict=True):
            stages[name].observe(ended - begun)
        for call in calls:
            stages["queue"].observe(max(0.0, times[0] - max(call.begun, call.decoded)))
        if self._spans is not None:
            record_run(self._spans, (call.trace for call in calls), self.manifest, times)
        self.metrics.rows.observe(len(outputs.prediction))
        self.metrics.answered.inc(len(outputs.prediction))
        self.metrics.predicted(outputs.prediction)
        if outputs.probabilities is not None:
            self.metrics.confident(outputs.probabilities.max(axis=1).tolist())

    def _time(self, inputs: Inputs) -> float:
        begun = self._clock()
        self.model.run(inputs)
        return self._clock() - begun


def blank_inputs(model: Model) -> Inputs:
    """A row to warm up with: zeros, first categories, a black image."""
    spec = model.manifest.input
    if isinstance(spec, ImageInput):
        return Inputs([np.zeros((spec.height, spec.width, 1 if spec.mode == "L" else 3), dtype=np.uint8)])
    return Inputs([tuple((f.categories or (0,))[0] for f in spec.features)])
