"""Run a service under uvicorn."""

from __future__ import annotations

import gc
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, TypeVar

import uvicorn

from pilothouse.errors import PilothouseError
from pilothouse.serving.protocol import make_protocol
from pilothouse.serving.settings import ServiceSettings
from pilothouse.serving.stopping import Stopping
from pilothouse.serving.whole import Shortcut
from pilothouse.serving.workers.supervisor import listening_socket
from pilothouse.serving.workers.worker import Worker

AppT = TypeVar("AppT")


def build(create: Callable[[], AppT]) -> AppT:
    """What `create` makes. A setting that it finds wrong ends the program with the sentence that says so."""
    try:
        return create()
    except PilothouseError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def serve(
    app: Any,
    settings: ServiceSettings,
    linger_seconds: float = 0,
    worker: Worker | None = None,
    shortcut: Shortcut[Any] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; then requests in flight, and what the app does at its end, share
    `settings.stop_seconds`.

    `linger_seconds`: go on serving for so long after SIGTERM, for those beside it who are stopping too and still have
    something to deliver. They are part of the budget.
    `worker`: this process is one of several on the port; the kernel shares new connections out among them.
    `shortcut`: answers some requests past ASGI.
    asyncio's own event loop: uvloop left a hundred of 256 new connections unanswered for 5 s in a burst.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="asyncio",
        http=make_protocol(shortcut),
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=4096,
        proxy_headers=False,
    )
    server = Server(config, app.state.stopping, linger_seconds)
    app.state.worker = worker
    spare_the_garbage_collector()
    sockets = [listening_socket(settings.host, worker.port)] if worker else None
    with suppress(KeyboardInterrupt):  # uvicorn passes the signal on when it is done
        server.run(sockets)
    if not server.started:
        raise SystemExit(3)


def spare_the_garbage_collector() -> None:
    """Have it leave alone what was imported, and look for cycles a thirtieth as often: the objects of a request, and of
    a batch of records, are in none, and looking through them was a tenth of a prediction, and of a batch."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


class Server(uvicorn.Server):
    """uvicorn that stops within a budget."""

    def __init__(self, config: uvicorn.Config, stopping: Stopping, linger_seconds: float) -> None:
        super().__init__(config)
        self._stopping, self._linger_seconds = stopping, linger_seconds
        self._lingers_until: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note when the order came; on the first SIGTERM, linger."""
        lingers = sig == signal.SIGTERM and not self._captured_signals and self._linger_seconds > 0
        self._stopping.begin()
        super().handle_exit(sig, frame)
        if lingers and self.started:
            self.should_exit, self._lingers_until = False, time.monotonic() + self._linger_seconds

    async def on_tick(self, counter: int) -> bool:
        """Asked ten times a second: whether it is time to stop."""
        if self._lingers_until is not None and time.monotonic() >= self._lingers_until:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: Any = None) -> None:
        """Requests in flight have half of what is left, the app the rest and what they did not need."""
        self.config.timeout_graceful_shutdown = self._stopping.left() / 2  # type: ignore[assignment]  # a fraction is passed on to asyncio.wait_for
        await super().shutdown(sockets)
