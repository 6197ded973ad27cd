"""An app on a real port, in a thread, under the server that the services run under."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Any

import httpx2
import uvloop

from pilothouse.serving.server import Server
from pilothouse.serving.settings import ServiceSettings
from pilothouse.serving.stopping import Stopping
from pilothouse.serving.workers import reserve_port


class Serving:
    """An app that is served in a thread: at once, until `stop`."""

    def __init__(self, app: Any, **settings: Any) -> None:
        if not hasattr(app, "state"):
            app = _Bare(app)
        app.state.stopping = getattr(app.state, "stopping", None) or Stopping(settings.get("stop_seconds", 9))
        app.state.handler = getattr(app.state, "handler", None)
        self._server = Server(app, ServiceSettings(port=0, **settings))
        self._reserved = reserve_port("127.0.0.1", 0)
        self.port: int = self._reserved.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._failure: BaseException | None = None
        self._thread.start()
        self._wait()

    def _run(self) -> None:
        try:
            with self._reserved, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                self._loop = runner.get_loop()
                runner.run(self._server.run(self._reserved))
        except BaseException as error:
            self._failure = error

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if not self._thread.is_alive():
                raise self._failure or RuntimeError("the app ended at its start")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError("the app did not start in time")

    def begin_to_stop(self) -> None:
        self._loop.call_soon_threadsafe(self._server.stop)

    def stop(self, seconds: float = 30) -> bool:
        """Whether it has ended in time."""
        if self._thread.is_alive():
            self.begin_to_stop()
        self._thread.join(seconds)
        return not self._thread.is_alive()


class _Bare:
    """As much of a FastAPI app around an ASGI app as the server asks for."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.state = SimpleNamespace()
        self.router = SimpleNamespace(lifespan_context=_nothing)

    async def __call__(self, *arguments: Any) -> None:
        await self._app(*arguments)


@asynccontextmanager
async def _nothing(_app: Any) -> AsyncIterator[None]:
    yield


@contextmanager
def serving(app: Any, **settings: Any) -> Iterator[str]:
    """Serve `app` on a free port of 127.0.0.1 until the block ends; the address."""
    server = Serving(app, **settings)
    try:
        yield server.url
    finally:
        assert server.stop()


@contextmanager
def calling(app: Any, **settings: Any) -> Iterator[httpx2.Client]:
    """The same; a client of it."""
    with serving(app, **settings) as url, httpx2.Client(base_url=url, timeout=30) as client:
        yield client
