"""Guessing keys is slow, and who has one gets in all the same."""

import asyncio

import pytest

from pilothouse.serving.auth import Keys, UnauthorisedError
from services.frontend.login.attempts import Attempts
from services.frontend.login.errors import TooManyAttemptsError

KEY = "read-key-0123456789"
RIGHT, WRONG = f"Bearer {KEY}".encode(), b"Bearer wrong-key-0123456789"


def attempts(most=2):
    return Attempts(Keys({KEY: frozenset({"read"})}), seconds=0.05, most=most)


def test_a_right_key_does_not_wait_for_wrong_ones():
    async def both():
        tried = attempts()
        wrong = asyncio.create_task(tried.check(WRONG))
        await asyncio.sleep(0)
        await tried.check(RIGHT)
        assert not wrong.done()
        with pytest.raises(UnauthorisedError):
            await wrong

    asyncio.run(both())


def test_more_than_so_many_at_once_are_not_looked_at_and_later_ones_are():
    async def many():
        tried = attempts()
        outcomes = await asyncio.gather(*(tried.check(WRONG) for _ in range(5)), return_exceptions=True)
        assert [type(o) for o in outcomes] == [UnauthorisedError] * 2 + [TooManyAttemptsError] * 3
        await tried.check(RIGHT)

    asyncio.run(many())


def test_who_sends_no_key_is_told_at_once():
    async def ten():
        tried = attempts(most=0)
        for _ in range(10):
            with pytest.raises(UnauthorisedError):
                await tried.check(None)

    asyncio.run(asyncio.wait_for(ten(), 0.04))
