"""Waiting until something is true, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], seconds: float = 40, why: Callable[[], str] = str) -> T:
    """The first true value of `condition`, which is asked twenty times a second.

    AssertionError when the time is up, with what `why` says then.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"it did not happen in {seconds:g} s. {why()}"
        time.sleep(0.05)
    return found
