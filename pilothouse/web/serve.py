"""Run a service under uvicorn."""

from __future__ import annotations

from typing import Any

import uvicorn

from pilothouse.web.settings import ServiceSettings


def serve(app: Any, settings: ServiceSettings) -> None:
    """Serve until SIGTERM or SIGINT, then let requests in flight finish for a few seconds.

    asyncio's own event loop: uvloop left a hundred of 256 new connections unanswered for 5 s in a burst.
    """
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="asyncio",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        backlog=4096,
        proxy_headers=False,
    )
