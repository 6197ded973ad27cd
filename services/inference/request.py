"""A request for a prediction: what its head says, and its body, read within bounds."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec
from granian.rsgi import Headers, HTTPProtocol, ProtocolClosed, ProtocolError, Scope

from pilothouse.serving.asgi import UNREAD_BYTES, UNREAD_SECONDS
from pilothouse.serving.observe import RequestTarget
from services.inference.errors import BodyTooLargeError

_PATH = re.compile(r"^(/v2)?(?:/models/([^/]+)(?:/versions/([^/]+))?)?/(predict|infer)\Z")


class PredictRequest(msgspec.Struct, frozen=True):
    """`model` and `version` as the path names them, None where it does not. `source` is what the caller calls itself in
    `Pilothouse-Source`, kept in the record: printable ASCII, cut at 64. `oip`: by the Open Inference Protocol."""

    target: RequestTarget
    model: str | None
    version: str | None
    oip: bool
    headers: Headers
    content_type: str
    source: str | None

    def header(self, name: str) -> bytes | None:
        value: str | None = self.headers.get(name)
        return None if value is None else value.encode("latin-1")


def match_request(scope: Scope) -> PredictRequest | None:
    """None when it asks for something else than a prediction."""
    path = scope.path
    found = _PATH.match(path) if scope.method == "POST" else None
    if found is None:
        return None
    prefix, model, version, verb = found.groups()
    if (prefix is None) != (verb == "predict") or (prefix and model is None):
        return None
    route = _route(prefix or "", model is not None, version is not None, verb)
    headers = scope.headers
    source = "oip" if prefix else _source(headers.get("pilothouse-source"))
    content_type = headers.get("content-type", "")
    return PredictRequest(
        RequestTarget("POST", path, route), model, version, bool(prefix), headers, content_type, source
    )


def _route(prefix: str, named: bool, versioned: bool, verb: str) -> str:
    return prefix + "/models/{name}" * named + "/versions/{version}" * versioned + f"/{verb}"


def _source(value: str | None) -> str | None:
    if not value:
        return None
    return "".join(c for c in value if " " <= c <= "~")[:64] or None


class Patience:
    """Cancels tasks that wait too long for a body. One timer looks after all of them: a timer for each request would
    cost as much as its model."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[asyncio.Task[None], float] = {}  # in the order in which they began
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, task: asyncio.Task[None]) -> None:
        self._until[task] = time.monotonic() + self._seconds
        if self._timer is None:
            self._timer = task.get_loop().call_later(self._seconds, self._look)

    def end(self, task: asyncio.Task[None]) -> None:
        self._until.pop(task, None)

    def is_over(self, task: asyncio.Task[None]) -> bool:
        return self._until.get(task, math.inf) <= time.monotonic()

    def _look(self) -> None:
        now = time.monotonic()
        for task, until in self._until.items():
            if until > now:
                break
            task.cancel()
        left = min((until - now for until in self._until.values() if until > now), default=None)
        self._timer = None
        if left is not None:
            self._timer = next(iter(self._until)).get_loop().call_later(left + 0.01, self._look)


async def read_body(request: PredictRequest, protocol: HTTPProtocol, limit: int) -> bytes:
    """The whole body. Raises BodyTooLargeError as soon as that is known, ProtocolClosed when the caller leaves."""
    length: str | None = request.headers.get("content-length")
    if length is not None and int(length) > limit:
        raise BodyTooLargeError(limit)
    if length is None and "transfer-encoding" not in request.headers:
        return b""
    return await (protocol() if length is not None else _read_pieces(protocol, limit))


async def _read_pieces(protocol: HTTPProtocol, limit: int) -> bytes:
    pieces, size = [], 0
    arriving = aiter(protocol)
    with suppress(StopAsyncIteration):
        while size <= limit:
            piece = await anext(arriving)
            pieces.append(piece)
            size += len(piece)
    if size > limit:
        await _drop(arriving)
        raise BodyTooLargeError(limit)
    return b"".join(pieces)


async def drop_body(request: PredictRequest, protocol: HTTPProtocol) -> None:
    """Read what was not read, within bounds: a caller that still sends when the connection ends would see that and not
    the answer."""
    headers = request.headers
    if not ("content-length" in headers or "transfer-encoding" in headers) or "expect" in headers:
        return
    with suppress(ProtocolError):  # of what was begun, the rest was dropped already
        await _drop(aiter(protocol))


async def _drop(arriving: AsyncIterator[bytes]) -> None:
    """`arriving` can be gone through once; it is no iterable itself."""
    left = UNREAD_BYTES
    with suppress(StopAsyncIteration, ProtocolError, ProtocolClosed, TimeoutError):
        async with asyncio.timeout(UNREAD_SECONDS):
            while left > 0:
                left -= len(await anext(arriving))
