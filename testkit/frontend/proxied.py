"""A drift service that can hang, and the page's proxy before it, each on a socket."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx2
import uvicorn
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from services.frontend import proxy
from services.frontend.metrics import PageMetrics
from services.frontend.middleware import CountRequests
from services.frontend.settings import FrontendSettings
from testkit.waiting import wait_for

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
REPORT = gzip.compress(b"<html>" + bytes(range(256)) * 20_000)
REPORT_HEADERS = {
    "Content-Encoding": "gzip",
    "Content-Security-Policy": "sandbox allow-scripts",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding, Accept",
}
MAKING = {"Location": "/drift-report/7f?format=html", "Refresh": "2; url=/drift-report/7f?format=html"}


class DriftStandIn:
    """`asked` holds every request but those for its health; `open` counts the answers that are being given."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.open, self.status = 0, 200
        answers = {"/drift": self._verdict, "/drift-report": self._report, "/drift-report/{report}": self._making,
                   "/drift/history": self._hang, "/drift/distributions": self._endless}  # fmt: skip
        routes = [Route(path, self._noted(answer)) for path, answer in answers.items()]
        self.app = Starlette(routes=[Route("/health/live", lambda _: Response("")), *routes])

    def _noted(self, answer: Callable[[Request], Awaitable[Response | None]]) -> Callable[[Request], Any]:
        async def noted(request: Request) -> Response | None:
            self.asked.append(request)
            return await answer(request)

        return noted

    async def _verdict(self, request: Request) -> Response:
        return JSONResponse({"path": request.url.path, "query": request.url.query}, self.status)

    async def _report(self, _: Request) -> Response:
        return Response(REPORT, 200, REPORT_HEADERS, "text/html; charset=utf-8")

    async def _making(self, _: Request) -> Response:
        return HTMLResponse("being made", 202, MAKING)

    async def _hang(self, request: Request) -> None:
        """Until the caller leaves."""
        self.open += 1
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.open -= 1

    async def _endless(self, _: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            self.open += 1
            try:
                while True:
                    yield b"x" * 1000
                    await asyncio.sleep(0.2)  # many at once must not keep the processor busy
            finally:
                self.open -= 1

        return StreamingResponse(pieces())


@contextmanager
def page_server(drift_url: str, **settings: Any) -> Iterator[tuple[httpx2.Client, PageMetrics]]:
    """A client of a server that has the page's view everywhere, and the proxy before it; and the proxy's metrics."""
    metrics = PageMetrics(CollectorRegistry())
    drift = proxy.connect(FrontendSettings(port=0, drift_url=drift_url, **settings))

    @asynccontextmanager
    async def closing(_: Starlette) -> AsyncIterator[None]:
        async with drift:
            yield

    app = Starlette(
        routes=[Route("/{path:path}", lambda _: HTMLResponse("the view"))],
        middleware=[
            Middleware(CountRequests, metrics=metrics.http),
            Middleware(proxy.DriftProxy, drift=drift, metrics=metrics),
        ],
        lifespan=closing,
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        yield client, metrics
    server.should_exit = True
    thread.join(10)
