"""A prediction over HTTP, in one line: head, key, model, body, inputs, batch with its record, answer, log line.

It stands in front of the app, past FastAPI, which costs more than the model. What is no prediction goes on to the app.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog
from granian.rsgi import HTTPProtocol, ProtocolClosed, Scope

from pilothouse.errors import InputError, PilothouseError
from pilothouse.model import Inputs
from pilothouse.serving.asgi import RsgiToAsgi
from pilothouse.serving.auth import Keys, as_asked
from pilothouse.serving.hosts import AllowedHosts
from pilothouse.serving.observe import RequestLog
from pilothouse.serving.problem import PROBLEM_JSON, ErrorTable, find_entry, problem_body, problem_of
from pilothouse.serving.trace import Trace, enter_trace
from services.inference import native, oip
from services.inference.catalog import Catalog
from services.inference.errors import StoppingError
from services.inference.prediction import Call
from services.inference.predictor import Predictor
from services.inference.request import Patience, PredictRequest, drop_body, match_request, read_body
from services.inference.settings import InferenceSettings

_THREAD_BYTES = 64_000
_MOST_SHADOWS = 256  # that wait or run at once
_JSON = "application/json"
_HEADERS = [("content-type", _JSON)]
_log = structlog.get_logger("predict")


class Shadows:
    """Runs shadow predictions behind the answers. When they cannot keep up they are left out, and counted."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._tasks: set[asyncio.Task[None]] = set()

    def mirror(self, name: str, predict: Callable[[Predictor], Coroutine[Any, Any, None]]) -> None:
        """Start `predict` for every shadow of the model; returns at once."""
        for predictor in self._catalog.shadows(name):
            if len(self._tasks) >= _MOST_SHADOWS:
                predictor.metrics.skipped.inc()
                continue
            task = asyncio.get_running_loop().create_task(self._run(predictor, predict))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, predictor: Predictor, predict: Callable[[Predictor], Coroutine[Any, Any, None]]) -> None:
        """What a shadow cannot read or answer is its own affair, seen in its metrics."""
        try:
            await predict(predictor)
        except PilothouseError:
            predictor.metrics.invalid.inc()


class PredictHandler:
    """Answers predictions; the app answers everything else. `tasks` are the requests under way."""

    def __init__(
        self,
        app: RsgiToAsgi,
        *,
        catalog: Catalog,
        settings: InferenceSettings,
        keys: Keys,
        hosts: AllowedHosts,
        requests: RequestLog,
        errors: ErrorTable,
        executor: ThreadPoolExecutor,
    ) -> None:
        self._app, self.tasks = app, app.tasks
        self._catalog, self._settings, self._requests = catalog, settings, requests
        self._keys, self._hosts = keys, hosts
        self._errors, self._executor = errors, executor
        self._shadows = Shadows(catalog)
        self._patience = Patience(settings.body_timeout_seconds)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        request = match_request(scope)
        if request is None:
            await self._app.answer(scope, protocol)
            return
        loop = self._loop = self._loop or asyncio.get_running_loop()  # each question costs a system call
        task: Any = asyncio.current_task(loop)
        self.tasks.add(task)
        try:
            await self._answer(request, protocol, task)
        finally:
            self.tasks.discard(task)
            self._patience.end(task)

    async def _answer(self, request: PredictRequest, protocol: HTTPProtocol, task: asyncio.Task[None]) -> None:
        begun = time.perf_counter()
        trace = self._requests.begin(request.header("traceparent"))
        enter_trace(trace)
        predictor = body = None
        status, headers, content = 499, _HEADERS, b""  # 499: the caller left in the middle of the body
        try:
            self._hosts.check(request.headers.get("host"), request.headers.get("origin"))
            self._keys.check(request.header("authorization"), "predict")
            predictor = self._catalog.find(request.model, request.version)
            self._patience.begin(task)
            body = await read_body(request, protocol, self._settings.max_body_bytes)
            self._patience.end(task)
            content = await self._predict(request, predictor, body, trace)
            status = 200
        except ProtocolClosed:
            _log.debug("the caller went away", path=request.target.path)
        except asyncio.CancelledError:
            error = TimeoutError() if self._patience.is_over(task) else StoppingError()
            status, headers, content = self._problem(request, error)
        except Exception as error:
            if predictor is not None and isinstance(error, InputError):
                predictor.metrics.invalid.inc()
            if body is None:
                await drop_body(request, protocol)
            status, headers, content = self._problem(request, error)
        if status == 499:
            protocol.response_empty(400, [])  # for one who has only ended his side
        else:
            protocol.response_bytes(status, headers, content)
        details = predictor.named if predictor is not None else {}
        self._requests.answered(request.target, trace, status, time.perf_counter() - begun, details)
        if status == 200 and request.version is None and predictor is not None and body is not None:
            self._shadows.mirror(predictor.manifest.name, partial(self._shadow, request, body, trace))

    async def _predict(self, request: PredictRequest, predictor: Predictor, body: bytes, trace: Trace) -> bytes:
        """The body of the answer. Raises what reading the inputs and predicting raise."""
        begun, stages = time.perf_counter(), predictor.metrics.stages
        if _is_heavy(predictor, body):
            inputs, known = await self._read_in_thread(request, predictor, body)
        else:
            inputs, known = self._read(request, predictor, body)
        decoded = time.perf_counter()
        stages["decode"].observe(decoded - begun)
        answer = await predictor.predict(Call(inputs, begun, request.source, trace.trace_id, trace, decoded))
        if request.oip:
            content = oip.write_response(predictor.manifest, answer, len(inputs), known)
        else:
            content = predictor.writer.write(answer, many=known)
        stages["total"].observe(time.perf_counter() - begun)
        return content

    def _read(self, request: PredictRequest, predictor: Predictor, body: bytes) -> tuple[Inputs, Any]:
        """The inputs in a body, and what the answer's writer is to know of it."""
        if request.oip:
            return oip.read_request(body, predictor.model, self._settings.max_rows)
        return native.read_inputs(predictor.model, request.content_type, body, self._settings.max_rows)

    async def _read_in_thread(self, request: PredictRequest, predictor: Predictor, body: bytes) -> tuple[Inputs, Any]:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._read, request, predictor, body)

    async def _shadow(self, request: PredictRequest, body: bytes, trace: Trace, shadow: Predictor) -> None:
        """The same body for another version: read by its own manifest, logged in its own table."""
        begun = time.perf_counter()
        read = self._read_in_thread(request, shadow, body) if _is_heavy(shadow, body) else None
        inputs, _ = await read if read else self._read(request, shadow, body)
        await shadow.predict(Call(inputs, begun, "shadow", trace.trace_id, trace))

    def _problem(self, request: PredictRequest, error: Exception) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of an answer that says what went wrong."""
        error = as_asked(error, request.headers.get)
        entry = find_entry(self._errors, error)
        if entry is None:
            _log.error("unhandled error", path=request.target.path, exc_info=error)
            body = problem_body(500, "internal", "Internal server error")
            return 500, [("content-type", PROBLEM_JSON)], body
        more = [(name.lower(), value) for name, value in entry.headers.items()]
        if request.oip:
            return entry.status, [*_HEADERS, *more], oip.write_error(str(error) or entry.title)
        return entry.status, [("content-type", PROBLEM_JSON), *more], problem_of(entry, error)


def _is_heavy(predictor: Predictor, body: bytes) -> bool:
    """Whether the body is of large images, which are decoded off the event loop."""
    return len(body) > _THREAD_BYTES and predictor.model.tabular is None
