"""`POST .../predict` as raw ASGI: the thin path, past FastAPI's body handling, which costs more than the model.

It stands in front of the app, its middleware included; everything that is no prediction goes on to FastAPI.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache

import structlog
from fastapi import FastAPI
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from pilothouse.web.observe import send_body
from pilothouse.web.whole import Head, Headers, Reply
from services.inference.bodies import read_body
from services.inference.errors import StoppingError
from services.inference.exchange import Desk, Exchange, Target

_PATH = re.compile(r"^(?:/models/([^/]+)(?:/versions/([^/]+))?)?/predict$")
_ROUTES = ("/predict", "/models/{name}/predict", "/models/{name}/versions/{version}/predict")


class PredictEndpoint:
    """Answers predictions; `app` answers everything else."""

    def __init__(self, app: FastAPI, desk: Desk) -> None:
        self._app, self._desk = app, desk
        self.state = app.state
        self.shortcut = PredictShortcut(desk)
        self._log = structlog.get_logger("predict")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = _target(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if not target:
            await self._app(scope, receive, send)
            return
        answer: asyncio.Future[tuple[int, bytes, str, Headers]] = asyncio.get_running_loop().create_future()
        exchange = Exchange(self._desk, scope, target, _reply_to(answer))
        try:
            await self._take(exchange, receive)
            await send_body(send, *await answer)
        except ClientDisconnect:
            self._log.debug("the caller went away", path=scope["path"])
        finally:
            exchange.leave()

    async def _take(self, exchange: Exchange, receive: Receive) -> None:
        """Raises ClientDisconnect."""
        if not exchange.admitted():
            return
        settings = self._desk.settings
        try:
            body = await read_body(exchange.headers, receive, settings.max_body_bytes, settings.body_timeout_seconds)
        except ClientDisconnect:
            raise
        except Exception as error:
            exchange.fail(error)
        else:
            exchange.take(body)


class PredictShortcut:
    """Predictions whose request has arrived whole."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def takes(self, head: Head) -> bool:
        return head["method"] == "POST" and _target(head["path"]) is not None

    def answer(self, head: Head, body: bytes, reply: Reply) -> Callable[[], None]:
        target = _target(head["path"])
        assert target is not None
        exchange = Exchange(self._desk, head, target, reply)
        if exchange.admitted():
            exchange.take(body)
        return lambda: exchange.fail(StoppingError())


@lru_cache(maxsize=1024)
def _target(path: str) -> Target | None:
    """What a prediction's path means; None for any other path."""
    found = _PATH.match(path)
    return (found[1], found[2], _ROUTES[(found[1] is not None) + (found[2] is not None)]) if found else None


def _reply_to(answer: asyncio.Future[tuple[int, bytes, str, Headers]]) -> Reply:
    def reply(status: int, body: bytes, content_type: str, headers: Headers) -> bool:
        if answer.done():  # its task was ended
            return False
        answer.set_result((status, body, content_type, headers))
        return True

    return reply
