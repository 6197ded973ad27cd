"""Background work of the collector: one piece of it, again and again until the service ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from services.collector.errors import UnavailableError


async def keep_doing(
    name: str,
    work: Callable[[], Awaitable[object]],
    ready: asyncio.Event,
    *,
    seconds: float,
    retry_seconds: float | None = None,
    busy_share: float = 1.0,
    on_failure: Callable[[], None] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    timer: Callable[[], float] = time.monotonic,
) -> None:
    """Do `work` every so many `seconds` until cancelled, once the database is `ready`.

    Work that fails is tried again after `retry_seconds`. It is logged, but not while the database is away: whoever
    watches the database says so. `busy_share` is the most that the work may take of the time (0 to 1).
    """
    await ready.wait()
    log = structlog.get_logger(name)
    while True:
        begun, pause = timer(), seconds
        try:
            await work()
        except Exception as error:  # the edge of the loop: say why, go on
            pause = retry_seconds or seconds
            if on_failure is not None:
                on_failure()
            if not isinstance(error, UnavailableError):
                log.exception("background work failed")
        await sleep(max(pause, (timer() - begun) * (1 / busy_share - 1)))
