"""Whether the results of this drift service are the ones that are kept.

There should be one. Where there are two, by accident or while one replaces the other, both answer and show gauges, and
the one that holds the collector's lease has its scheduled results stored: history is then not written twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.drift.errors import CollectorAwayError
from services.drift.metrics import LeaderMetrics

LEASE_SECONDS = 30.0
AGAIN_SECONDS = 10.0
FIRST_SECONDS = 2.0
Ask = Callable[[str, float], Awaitable[str]]
"""`ask(holder, seconds)` gives whoever holds the lease. Raises CollectorAwayError."""


class Leader:
    """`holder` is what this process is called, and nobody else."""

    def __init__(self, holder: str, ask: Ask, metrics: LeaderMetrics) -> None:
        self._holder, self._ask, self._metrics = holder, ask, metrics
        self._other: str | None = None
        self._log = structlog.get_logger("leader")

    def leads(self) -> bool:
        """False when the collector has said that the lease is another's. A collector that is away keeps nothing, so
        that it does not matter who leads then."""
        return self._other is None

    async def begin(self) -> None:
        """Ask before the first result, but do not wait long for a collector that is away."""
        try:
            await asyncio.wait_for(self.renew(), FIRST_SECONDS)
        except TimeoutError:
            return

    async def keep_running(self) -> None:
        """Ask again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            await self.renew()

    async def renew(self) -> None:
        try:
            holder = await self._ask(self._holder, LEASE_SECONDS)
        except CollectorAwayError:
            return
        other = None if holder == self._holder else holder
        if other != self._other:
            self._log.warning("who leads has changed", leader=holder, ours=other is None)
        self._other = other
        self._metrics.leads.set(other is None)

    async def give_up(self) -> None:
        """At the end: the next one need not wait."""
        if self.leads():
            try:
                await asyncio.wait_for(self._ask(self._holder, 0), FIRST_SECONDS)
            except (CollectorAwayError, TimeoutError):
                return
