"""The HTTP server of a service: granian, embedded in this process.

What callers may cost is bounded here: the size of a request's head, the time it takes to arrive, and the time that a
connection may be idle. Stopping is one budget (`stopping.py`).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

import structlog
import uvloop
from fastapi import FastAPI
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server as Granian

from pilothouse.errors import PilothouseError
from pilothouse.serving.asgi import AsgiRequests, RsgiHandler
from pilothouse.serving.settings import ServiceSettings
from pilothouse.serving.workers import Worker, reserve_port

AppT = TypeVar("AppT")
_OUR_LOGS = {"formatters": {}, "handlers": {}, "loggers": {"_granian": {"handlers": [], "propagate": True}}}
_CONNECTIONS = 4096  # that wait to be accepted, and that are open at once
_LAST_SECONDS = 1.0  # for the answers of requests that were ended
_log = structlog.get_logger("server")


def build(create: Callable[[], AppT]) -> AppT:
    """What `create` makes. A setting that it finds wrong ends the program with the sentence that says so."""
    try:
        return create()
    except PilothouseError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def serve(app: FastAPI, settings: ServiceSettings, linger_seconds: float = 0, worker: Worker | None = None) -> NoReturn:
    """Serve until SIGTERM or SIGINT; then requests in flight, and what the app does at its end, share
    `settings.stop_seconds`.

    `linger_seconds`: go on serving for so long after SIGTERM, for those beside it who are stopping too and still have
    something to deliver. They are part of the budget.
    `worker`: this process is one of several on the port; the kernel shares new connections out among them.
    """
    app.state.worker = worker
    server = Server(app, settings, linger_seconds)
    spare_the_garbage_collector()
    try:
        reserved = reserve_port(settings.host, worker.port if worker else settings.port, shared=worker is not None)
    except OSError as error:
        print(f"{settings.host}:{settings.port}: {error.strerror or error}", file=sys.stderr)
        raise SystemExit(3) from None
    with reserved, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.run(reserved))
    _leave(server.signal)


def _leave(received: signal.Signals | None) -> NoReturn:
    """End at once, by the signal where it was SIGTERM: threads of the server may still hold callers who do not read,
    and cannot be waited for."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    if received == signal.SIGTERM:
        signal.signal(received, signal.SIG_DFL)
        signal.raise_signal(received)
    os._exit(0)


def spare_the_garbage_collector() -> None:
    """Have it leave alone what was imported, and look for cycles a thirtieth as often: the objects of a request, and of
    a batch of records, are in none, and looking through them was a tenth of a prediction, and of a batch."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


class Server:
    """Serves one app, once: `run` until `stop`, or a signal.

    An app with an `app.state.handler` is called through that, by RSGI; any other by ASGI.
    """

    def __init__(self, app: FastAPI, settings: ServiceSettings, linger_seconds: float = 0) -> None:
        self._app, self._settings, self._linger_seconds = app, settings, linger_seconds
        self._stopping = app.state.stopping
        self._requests: RsgiHandler | AsgiRequests = app.state.handler or AsgiRequests(app)
        self._ordered = asyncio.Event()
        self.signal: signal.Signals | None = None

    async def run(self, reserved: socket.socket) -> None:
        """Start the app, serve at the address of `reserved`, stop. Raises what the app raises at its start; OSError."""
        loop = asyncio.get_running_loop()
        with suppress(ValueError, RuntimeError):  # only the main thread is told of signals
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._signalled, number)
        async with self._app.router.lifespan_context(self._app):
            host, port = reserved.getsockname()[:2]
            granian = self._granian(host, port)
            serving = asyncio.create_task(granian.serve())
            _log.info("serving", host=host, port=port)
            ordered = asyncio.create_task(self._ordered.wait())
            await asyncio.wait([serving, ordered], return_when=asyncio.FIRST_COMPLETED)
            granian.stop()  # type: ignore[no-untyped-call]  # it has no annotations
            await self._finish(serving)

    def stop(self) -> None:
        """Begin the end; on the event loop."""
        self._stopping.begin()
        self._ordered.set()

    def _signalled(self, number: signal.Signals) -> None:
        """On the first SIGTERM, linger."""
        first, self.signal = self.signal is None, number
        self._stopping.begin()
        if first and number == signal.SIGTERM and self._linger_seconds > 0:
            asyncio.get_running_loop().call_later(self._linger_seconds, self.stop)
        else:
            self.stop()

    async def _finish(self, serving: asyncio.Task[None]) -> None:
        """Requests in flight have half of what is left, the app the rest and what they did not need."""
        await asyncio.wait([serving], timeout=self._stopping.left() / 2)
        if not serving.done():
            for task in list(self._requests.tasks):
                task.cancel()
            await asyncio.wait([serving], timeout=_LAST_SECONDS)
        if serving.done():
            serving.result()

    def _granian(self, host: str, port: int) -> Granian:
        settings = self._settings
        return Granian(
            self._requests,
            address=host,
            port=port,
            interface=Interfaces.RSGI if self._app.state.handler else Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=_CONNECTIONS,
            backpressure=_CONNECTIONS,
            http1_settings=HTTP1Settings(
                header_read_timeout=int(settings.head_timeout_seconds * 1000), max_buffer_size=settings.max_head_bytes
            ),
            log_level=LogLevels.error,
            log_dictconfig=_OUR_LOGS,
        )
