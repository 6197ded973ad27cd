"""`POST .../predict` as raw ASGI: the thin path, past FastAPI's body handling, which costs more than the model.

It stands in front of the app as a middleware; everything that is no prediction goes on to FastAPI.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from pilothouse.errors import InputError
from pilothouse.model import Inputs
from pilothouse.web.auth import Keys
from pilothouse.web.observe import RequestLog, header, send_body
from pilothouse.web.problem import PROBLEM_JSON, ErrorTable, find_entry, problem_body, problem_of
from pilothouse.web.trace import Trace, enter_trace, start_trace
from services.inference.bodies import image_files, read_body, require_json
from services.inference.catalogue import Catalogue
from services.inference.predictor import Answer, Call, Predictor
from services.inference.settings import InferenceSettings
from services.inference.shadow import Shadows

_PATH = re.compile(r"^(?:/models/([^/]+)(?:/versions/([^/]+))?)?/predict$")
_ROUTES = ("/predict", "/models/{name}/predict", "/models/{name}/versions/{version}/predict")
_THREAD_BYTES = 64_000  # images of more bytes than this are decoded off the event loop
_encoder = msgspec.json.Encoder()


class PredictEndpoint:
    """Answers predictions; `app` answers everything else."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        catalogue: Catalogue,
        settings: InferenceSettings,
        keys: Keys,
        requests: RequestLog,
        errors: ErrorTable,
        executor: ThreadPoolExecutor,
    ) -> None:
        self._app, self._catalogue, self._settings = app, catalogue, settings
        self._keys, self._requests, self._errors = keys, requests, errors
        self._executor = executor
        self._shadows = Shadows(catalogue)
        self._log = structlog.get_logger("predict")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.match(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if not found:
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        trace = start_trace(header(scope, b"traceparent"))
        enter_trace(trace)
        status = 499
        details: dict[str, Any] = {}
        try:
            status, body, details, headers = await self._answer(scope, receive, trace, found[1], found[2])
            kind = "application/json" if status == 200 else PROBLEM_JSON
            await send_body(send, status, body, kind, headers)
        except ClientDisconnect:
            self._log.debug("the caller went away", path=scope["path"])
        finally:
            route = _ROUTES[(found[1] is not None) + (found[2] is not None)]
            self._requests.answered(scope, trace, status, time.perf_counter() - begun, route, **details)

    async def _answer(
        self, scope: Scope, receive: Receive, trace: Trace, name: str | None, version: str | None
    ) -> tuple[int, bytes, dict[str, Any], tuple[Any, ...]]:
        """Status, body, what to log, headers."""
        details: dict[str, Any] = {}
        try:
            self._keys.check(header(scope, b"authorization"), "predict")
            predictor = self._catalogue.find(name, version)
            details = {"model": predictor.manifest.name, "version": predictor.manifest.version}
            body = await read_body(scope, receive, self._settings.max_body_bytes, self._settings.body_timeout_seconds)
            reply = await self._predict(predictor, scope, body, trace)
            if version is None:
                self._shadows.mirror(predictor.manifest.name, lambda shadow: self._shadow(shadow, scope, body, trace))
            return 200, reply, details, ()
        except ClientDisconnect:
            raise
        except Exception as error:
            entry = find_entry(self._errors, error)
            if entry is None:
                self._log.exception("unhandled error", path=scope["path"])
                return 500, problem_body(500, "internal", "Internal server error"), details, ()
            headers = tuple((k.lower().encode(), v.encode()) for k, v in entry.headers.items())
            return entry.status, problem_of(entry, error), details, headers

    async def _shadow(self, predictor: Predictor, scope: Scope, body: bytes, trace: Trace) -> None:
        """The same body for another version: decoded by its own manifest, logged in its own table."""
        begun = time.perf_counter()
        inputs, _ = await self._decode(predictor, scope, body)
        await predictor.predict(Call(inputs, begun, "shadow", trace.trace_id))

    async def _predict(self, predictor: Predictor, scope: Scope, body: bytes, trace: Trace) -> bytes:
        stages = predictor.metrics.stages
        begun = time.perf_counter()
        try:
            inputs, many = await self._decode(predictor, scope, body)
        except InputError:
            predictor.metrics.invalid.inc()
            raise
        stages["decode"].observe(time.perf_counter() - begun)
        source = header(scope, b"pilothouse-source")
        call = Call(inputs, begun, _source(source), trace.trace_id)
        answer = await predictor.predict(call)
        reply = encode_answer(predictor, answer, len(inputs), many=many)
        stages["total"].observe(time.perf_counter() - begun)
        return reply

    async def _decode(self, predictor: Predictor, scope: Scope, body: bytes) -> tuple[Inputs, bool]:
        content_type = (header(scope, b"content-type") or b"").decode("latin-1")
        if predictor.model.tabular:
            require_json(content_type)
            rows, many = predictor.model.tabular.decode(body)
            return Inputs(list(rows)), many
        files, many = image_files(content_type, body, self._settings.max_rows)
        if len(body) <= _THREAD_BYTES:
            return predictor.model.parse_images(files), many
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, predictor.model.parse_images, files), many


def encode_answer(predictor: Predictor, answer: Answer, rows: int, *, many: bool) -> bytes:
    """The JSON of one answer, or of `{"predictions": [...]}` in the order given."""
    manifest, outputs = predictor.manifest, answer.outputs
    classes = manifest.output.classes
    span = range(answer.first, answer.first + rows)
    replies = []
    for record_id, row in zip(answer.ids, span, strict=True):
        reply: dict[str, Any] = {
            "id": str(uuid.UUID(bytes=record_id)),
            "model": manifest.name,
            "version": manifest.version,
            "prediction": outputs.prediction[row],
        }
        if outputs.probabilities is not None and classes:
            reply["probabilities"] = dict(zip(classes, outputs.probabilities[row].tolist(), strict=True))
        if outputs.risk is not None:
            reply["risk"] = outputs.risk[row]
        if manifest.output.unit:
            reply["unit"] = manifest.output.unit
        reply["logged"] = answer.logged
        reply["latency_ms"] = round(answer.latency_ms, 3)
        replies.append(reply)
    return _encoder.encode({"predictions": replies} if many else replies[0])


def _source(value: bytes | None) -> str | None:
    """What the caller calls itself in `Pilothouse-Source`, kept in the record: printable ASCII, cut at 64."""
    if not value:
        return None
    return "".join(c for c in value.decode("latin-1") if " " <= c <= "~")[:64] or None
