"""One prediction over HTTP, from its head to its log line, in steps that are called and not awaited."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog

from pilothouse.errors import InputError
from pilothouse.model import Inputs
from pilothouse.serving.auth import Keys
from pilothouse.serving.observe import RequestLog
from pilothouse.serving.problem import PROBLEM_JSON, ErrorTable, find_entry, problem_body, problem_of
from pilothouse.serving.trace import within
from pilothouse.serving.whole import Headers, Reply
from services.inference.asked import Asked
from services.inference.bodies import image_files, require_json
from services.inference.catalog import Catalog
from services.inference.errors import BodyTooLargeError, StoppingError
from services.inference.predictor import Answer, Call, Predictor
from services.inference.settings import InferenceSettings
from services.inference.shadow import Shadows

_THREAD_BYTES = 64_000  # images of more bytes than this are decoded off the event loop
_log = structlog.get_logger("predict")


@dataclass(frozen=True, slots=True)
class Desk:
    """What every prediction needs of the service."""

    catalog: Catalog
    settings: InferenceSettings
    keys: Keys
    requests: RequestLog
    errors: ErrorTable
    executor: ThreadPoolExecutor
    shadows: Shadows


class Exchange:
    """A request for a prediction. `admitted`, then `take` or `fail`, end in one call of `reply` and one log line."""

    __slots__ = ("_begun", "_body", "_desk", "_details", "_ended", "_many", "_predictor", "_reply", "_taken", "_trace",
                 "asked")  # fmt: skip

    def __init__(self, desk: Desk, asked: Asked, reply: Reply) -> None:
        self._begun = self._taken = time.perf_counter()
        self._desk, self.asked, self._reply = desk, asked, reply
        self._trace = desk.requests.begin(asked.headers.get(b"traceparent"))
        self._details: dict[str, Any] = {}
        self._many = self._ended = False
        self._predictor: Predictor
        self._body: bytes

    def admitted(self) -> bool:
        """Whether the caller may ask and the model is there; if not, it has been answered."""
        try:
            self._desk.keys.check(self.asked.headers.get(b"authorization"), "predict")
            self._predictor = self._desk.catalog.find(self.asked.model, self.asked.version)
        except Exception as error:
            self.fail(error)
            return False
        manifest = self._predictor.manifest
        self._details = {"model": manifest.name, "version": manifest.version}
        return True

    def take(self, body: bytes) -> None:
        """Predict on the whole body; the answer comes when its batch has run."""
        self._taken, self._body = time.perf_counter(), body
        predictor, desk = self._predictor, self._desk
        if len(body) > desk.settings.max_body_bytes:
            self.fail(BodyTooLargeError(desk.settings.max_body_bytes))
            return
        if _heavy(predictor, body):
            loop = asyncio.get_running_loop()
            decoding = loop.run_in_executor(desk.executor, _decode, predictor, self.asked, body, desk.settings)
            decoding.add_done_callback(self._decoded)
            return
        try:
            inputs, self._many = _decode(predictor, self.asked, body, desk.settings)
        except Exception as error:
            self._refuse(error)
        else:
            self._predict(inputs)

    def _decoded(self, decoding: asyncio.Future[tuple[Inputs, bool]]) -> None:
        try:
            inputs, self._many = decoding.result()
        except Exception as error:
            self._refuse(error)
        else:
            self._predict(inputs)

    def _refuse(self, error: Exception) -> None:
        if isinstance(error, InputError):
            self._predictor.metrics.invalid.inc()
        self.fail(error)

    def _predict(self, inputs: Inputs) -> None:
        predictor, decoded = self._predictor, time.perf_counter()
        predictor.metrics.stages["decode"].observe(decoded - self._taken)
        call = Call(inputs, self._taken, self.asked.source, self._trace.trace_id, self._trace, decoded)
        predictor.submit(call, self._predicted)

    def _predicted(self, answer: Answer | Exception) -> None:
        if isinstance(answer, Exception):
            self.fail(answer)
            return
        predictor = self._predictor
        try:
            body = predictor.writer.write(
                answer.ids, answer.outputs, answer.first, logged=answer.logged, latency_ms=answer.latency_ms,
                many=self._many,
            )  # fmt: skip
        except Exception as error:
            self.fail(error)
            return
        predictor.metrics.stages["total"].observe(time.perf_counter() - self._taken)
        self._end(200, body, "application/json", ())
        if self.asked.version is None:
            self._desk.shadows.mirror(predictor.manifest.name, self._shadow)

    async def _shadow(self, shadow: Predictor) -> None:
        """The same body for another version: decoded by its own manifest, logged in its own table."""
        begun = time.perf_counter()
        arguments = (shadow, self.asked, self._body, self._desk.settings)
        if _heavy(shadow, self._body):
            inputs, _ = await asyncio.get_running_loop().run_in_executor(self._desk.executor, _decode, *arguments)
        else:
            inputs, _ = _decode(*arguments)
        await shadow.predict(Call(inputs, begun, "shadow", self._trace.trace_id, self._trace))

    def fail(self, error: Exception) -> None:
        """Answer with a problem."""
        if self._ended:
            return
        entry = find_entry(self._desk.errors, error)
        with within(self._trace):
            if entry is None:
                _log.error("unhandled error", path=self.asked.address.path, exc_info=error)
            body = problem_of(entry, error) if entry else problem_body(500, "internal", "Internal server error")
        more = [(k.lower().encode(), v.encode()) for k, v in entry.headers.items()] if entry else []
        self._end(entry.status if entry else 500, body, PROBLEM_JSON, more)

    def give_up(self) -> None:
        """Answer that the service stops."""
        self.fail(StoppingError())

    def leave(self) -> None:
        """The caller went away before there was an answer; without effect when there was one."""
        if not self._ended:
            self._note(499)

    def _end(self, status: int, body: bytes, content_type: str, headers: Headers) -> None:
        if not self._ended:
            self._note(status if self._reply(status, body, content_type, headers) else 499)

    def _note(self, status: int) -> None:
        self._ended = True
        seconds = time.perf_counter() - self._begun
        self._desk.requests.answered(self.asked.address, self._trace, status, seconds, self._details)


def _heavy(predictor: Predictor, body: bytes) -> bool:
    return len(body) > _THREAD_BYTES and predictor.model.tabular is None


def _decode(predictor: Predictor, asked: Asked, body: bytes, settings: InferenceSettings) -> tuple[Inputs, bool]:
    """The inputs in a body, and whether there may be many. Raises MediaTypeError, InputError, NotAnImage, TooLarge."""
    if predictor.model.tabular:
        require_json(asked.content_type)
        rows, many = predictor.model.tabular.decode(body)
        return Inputs(rows), many
    files, many = image_files(asked.content_type, body, settings.max_rows)
    return predictor.model.parse_images(files), many
