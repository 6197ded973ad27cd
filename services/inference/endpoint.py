"""`POST .../predict` as raw ASGI: the thin path, past FastAPI's body handling, which costs more than the model.

It stands in front of the app, its middleware included; everything that is no prediction goes on to FastAPI.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from fastapi import FastAPI
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from pilothouse.serving.observe import send_body
from pilothouse.serving.whole import Head, Headers, Reply
from services.inference.asked import Asked, read_head
from services.inference.bodies import read_body
from services.inference.exchange import Desk, Exchange


class PredictEndpoint:
    """Answers predictions; `app` answers everything else."""

    def __init__(self, app: FastAPI, desk: Desk) -> None:
        self._app, self._desk = app, desk
        self.state = app.state
        self.shortcut = PredictShortcut(desk)
        self._log = structlog.get_logger("predict")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = read_head(scope) if scope["type"] == "http" else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        answer: asyncio.Future[tuple[int, bytes, str, Headers]] = asyncio.get_running_loop().create_future()
        exchange = Exchange(self._desk, asked, _reply_to(answer))
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
        limit, patience = self._desk.settings.max_body_bytes, self._desk.settings.body_timeout_seconds
        try:
            body = await read_body(exchange.asked.headers, receive, limit, patience)
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

    def wants(self, head: Head) -> Asked | None:
        return read_head(head)

    def answer(self, wanted: Asked, body: bytes, reply: Reply) -> Callable[[], None]:
        exchange = Exchange(self._desk, wanted, reply)
        if exchange.admitted():
            exchange.take(body)
        return exchange.give_up


def _reply_to(answer: asyncio.Future[tuple[int, bytes, str, Headers]]) -> Reply:
    def reply(status: int, body: bytes, content_type: str, headers: Headers) -> bool:
        if answer.done():  # its task was ended
            return False
        answer.set_result((status, body, content_type, headers))
        return True

    return reply
