"""The time between the order to stop and the end: one budget for everything that is still to be done.

Cloud Run gives 10 s from SIGTERM to SIGKILL, for the requests in flight and the spool together; each with a time of
its own would add up to more than there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class Stopping:
    """`seconds` from the order to the end. `clock` gives seconds that only rise."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._until: float | None = None

    def begin(self) -> None:
        """The order has come. A second one changes nothing."""
        if self._until is None:
            self._until = self._clock() + self._seconds

    def left(self) -> float:
        """Seconds that are left, at least 0; asking for them begins the end."""
        self.begin()
        assert self._until is not None
        return max(0.0, self._until - self._clock())
