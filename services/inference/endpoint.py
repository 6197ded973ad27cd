"""`POST .../predict` as raw ASGI: the thin path, past FastAPI's body handling, which costs more than the model.

It stands in front of the app, its middleware included; everything that is no prediction goes on to FastAPI.
"""

from __future__ import annotations

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from pilothouse.errors import InputError
from pilothouse.model import Inputs
from pilothouse.web.auth import Keys
from pilothouse.web.observe import RequestLog, send_body
from pilothouse.web.problem import PROBLEM_JSON, ErrorTable, find_entry, problem_body, problem_of
from pilothouse.web.trace import Trace
from services.inference.bodies import image_files, read_body, require_json
from services.inference.catalogue import Catalogue
from services.inference.predictor import Call, Predictor
from services.inference.settings import InferenceSettings
from services.inference.shadow import Shadows

_PATH = re.compile(r"^(?:/models/([^/]+)(?:/versions/([^/]+))?)?/predict$")
_ROUTES = ("/predict", "/models/{name}/predict", "/models/{name}/versions/{version}/predict")
_THREAD_BYTES = 64_000  # images of more bytes than this are decoded off the event loop
Headers = dict[bytes, bytes]
Target = tuple[str | None, str | None, str]  # model, version, route template


class PredictEndpoint:
    """Answers predictions; `app` answers everything else."""

    def __init__(
        self,
        app: FastAPI,
        *,
        catalogue: Catalogue,
        settings: InferenceSettings,
        keys: Keys,
        requests: RequestLog,
        errors: ErrorTable,
        executor: ThreadPoolExecutor,
    ) -> None:
        self._app, self._catalogue, self._settings = app, catalogue, settings
        self.state = app.state
        self._keys, self._requests, self._errors = keys, requests, errors
        self._executor = executor
        self._shadows = Shadows(catalogue)
        self._log = structlog.get_logger("predict")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _target(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if not found:
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        headers = dict(scope["headers"])
        trace = self._requests.begin(headers.get(b"traceparent"))
        status = 499
        details: dict[str, Any] = {}
        try:
            status, body, details, more = await self._answer(scope, receive, headers, trace, found)
            kind = "application/json" if status == 200 else PROBLEM_JSON
            await send_body(send, status, body, kind, more)
        except ClientDisconnect:
            self._log.debug("the caller went away", path=scope["path"])
        finally:
            self._requests.answered(scope, trace, status, time.perf_counter() - begun, found[2], **details)

    async def _answer(
        self, scope: Scope, receive: Receive, headers: Headers, trace: Trace, target: Target
    ) -> tuple[int, bytes, dict[str, Any], tuple[Any, ...]]:
        """Status, body, what to log, headers."""
        details: dict[str, Any] = {}
        name, version, _ = target
        try:
            self._keys.check(headers.get(b"authorization"), "predict")
            predictor = self._catalogue.find(name, version)
            model = predictor.manifest.name
            details = {"model": model, "version": predictor.manifest.version}
            body = await read_body(headers, receive, self._settings.max_body_bytes, self._settings.body_timeout_seconds)
            reply = await self._predict(predictor, headers, body, trace)
            if version is None:
                self._shadows.mirror(model, lambda shadow: self._shadow(shadow, headers, body, trace))
            return 200, reply, details, ()
        except ClientDisconnect:
            raise
        except Exception as error:
            entry = find_entry(self._errors, error)
            if entry is None:
                self._log.exception("unhandled error", path=scope["path"])
                return 500, problem_body(500, "internal", "Internal server error"), details, ()
            more = tuple((k.lower().encode(), v.encode()) for k, v in entry.headers.items())
            return entry.status, problem_of(entry, error), details, more

    async def _shadow(self, predictor: Predictor, headers: Headers, body: bytes, trace: Trace) -> None:
        """The same body for another version: decoded by its own manifest, logged in its own table."""
        begun = time.perf_counter()
        inputs, _ = await self._decode(predictor, headers, body)
        await predictor.predict(Call(inputs, begun, "shadow", trace.trace_id, trace))

    async def _predict(self, predictor: Predictor, headers: Headers, body: bytes, trace: Trace) -> bytes:
        stages = predictor.metrics.stages
        begun = time.perf_counter()
        try:
            inputs, many = await self._decode(predictor, headers, body)
        except InputError:
            predictor.metrics.invalid.inc()
            raise
        decoded = time.perf_counter()
        stages["decode"].observe(decoded - begun)
        call = Call(inputs, begun, _source(headers.get(b"pilothouse-source")), trace.trace_id, trace, decoded)
        answer = await predictor.predict(call)
        reply = predictor.writer.write(
            answer.ids, answer.outputs, answer.first, logged=answer.logged, latency_ms=answer.latency_ms, many=many
        )
        stages["total"].observe(time.perf_counter() - begun)
        return reply

    async def _decode(self, predictor: Predictor, headers: Headers, body: bytes) -> tuple[Inputs, bool]:
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        if predictor.model.tabular:
            require_json(content_type)
            rows, many = predictor.model.tabular.decode(body)
            return Inputs(rows), many
        files, many = image_files(content_type, body, self._settings.max_rows)
        if len(body) <= _THREAD_BYTES:
            return predictor.model.parse_images(files), many
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, predictor.model.parse_images, files), many


@lru_cache(maxsize=1024)
def _target(path: str) -> Target | None:
    """What a prediction's path means; None for any other path."""
    found = _PATH.match(path)
    return (found[1], found[2], _ROUTES[(found[1] is not None) + (found[2] is not None)]) if found else None


def _source(value: bytes | None) -> str | None:
    """What the caller calls itself in `Pilothouse-Source`, kept in the record: printable ASCII, cut at 64."""
    if not value:
        return None
    return "".join(c for c in value.decode("latin-1") if " " <= c <= "~")[:64] or None
