"""Parts of a page that are drawn anew every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

P = ParamSpec("P")
_SLOW_SECONDS = 1.0
_SENDING_SECONDS = 0.2


def every(seconds: float, draw: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Draw a part now, and again every so many seconds.

    A run that took long, behind a service that hangs, may have the next one waiting already; Streamlit begins that at
    once, and then drops what the part drew and was not sent yet: all of it, each time. So it gets the time to be sent.
    """

    @wraps(draw)
    def drawn() -> None:
        begun = time.monotonic()
        draw(*args, **kwargs)
        if time.monotonic() - begun > _SLOW_SECONDS:
            time.sleep(_SENDING_SECONDS)

    st.fragment(drawn, run_every=seconds)()
