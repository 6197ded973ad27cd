"""Background work goes on, whatever one round of it does."""

import asyncio

import pytest
from structlog.testing import capture_logs

from services.collector.background import keep_doing
from services.collector.errors import UnavailableError


class Rounds:
    """Work that takes so long or raises, a round after the other, and ends the loop when there are no more."""

    def __init__(self, *rounds):
        self._rounds, self.now, self.slept, self.failures = list(rounds), 0.0, [], 0

    async def work(self):
        what = self._rounds.pop(0)
        if isinstance(what, Exception):
            raise what
        self.now += what

    async def sleep(self, seconds):
        self.slept.append(seconds)
        if not self._rounds:
            raise asyncio.CancelledError

    def failed(self):
        self.failures += 1

    async def run(self, **options):
        ready = asyncio.Event()
        ready.set()
        options = {"seconds": 10, "sleep": self.sleep, "timer": lambda: self.now} | options
        with pytest.raises(asyncio.CancelledError):
            await keep_doing("rounds", self.work, ready, **options)
        return self.slept


async def test_it_is_done_every_so_many_seconds():
    assert await Rounds(0, 0, 0).run() == [10, 10, 10]


async def test_what_fails_is_logged_counted_and_tried_again_sooner():
    rounds = Rounds(ValueError("odd"), 0)
    with capture_logs() as logs:
        assert await rounds.run(retry_seconds=2, on_failure=rounds.failed) == [2, 10]
    assert rounds.failures == 1
    assert [entry["log_level"] for entry in logs] == ["error"]


async def test_nothing_is_logged_while_the_database_is_away():
    with capture_logs() as logs:
        assert await Rounds(UnavailableError("away"), 0).run() == [10, 10]
    assert logs == []


async def test_long_work_takes_no_more_than_its_share_of_the_time():
    assert await Rounds(1, 0.1).run(busy_share=0.05) == [pytest.approx(19), 10]


async def test_it_waits_for_the_database():
    rounds = Rounds(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(keep_doing("rounds", rounds.work, asyncio.Event(), seconds=1, sleep=rounds.sleep), 0.02)
    assert rounds.slept == []
