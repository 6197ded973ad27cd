"""Keys that callers of the page try. Wrong ones are answered late, so that guessing is slow."""

from __future__ import annotations

import asyncio

from pilothouse.serving.auth import ForbiddenError, Keys, UnauthorisedError
from services.frontend.login.errors import TooManyAttemptsError

_SECONDS, _MOST = 1.0, 20


class Attempts:
    """`seconds` is how late a wrong key is answered; `most` is how many of them may wait for that at once."""

    def __init__(self, keys: Keys, seconds: float = _SECONDS, most: int = _MOST) -> None:
        self._keys, self._seconds, self._most = keys, seconds, most
        self._waiting = 0

    async def check(self, authorization: bytes | None) -> None:
        """Raises UnauthorisedError or ForbiddenError unless it may read; TooManyAttemptsError, unlooked at."""
        if authorization is not None and self._waiting >= self._most:
            raise TooManyAttemptsError
        try:
            self._keys.check(authorization, "read")
        except (UnauthorisedError, ForbiddenError):
            if authorization is not None:
                await self._delay()
            raise

    async def _delay(self) -> None:
        self._waiting += 1
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self._waiting -= 1
