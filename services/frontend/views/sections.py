"""Sections of a page: what stands there when a service is away or nothing is logged, and how one is redrawn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import streamlit as st

from services.frontend.errors import ServiceAway, ServiceError, ServiceOdd
from services.frontend.formatting import code, plain

P = ParamSpec("P")
_SLOW_SECONDS = 1.0
_SENDING_SECONDS = 0.2


@contextmanager
def section(name: str) -> Iterator[None]:
    """Draw one section. When its service gives no answer, that is said in its place, and the page goes on."""
    try:
        yield
    except ServiceError as error:
        absent(name, error)


def absent(name: str, error: ServiceError) -> None:
    """Why the section cannot be shown, with a button that asks again."""
    with st.container(border=True, key=f"absent-{name}"):
        st.markdown(f":material/cloud_off: **{plain(name)}** cannot be shown.")
        st.caption(explained(error))
        st.button("Try again", key=f"retry-{name}", icon=":material/refresh:")


def empty(headline: str, advice: str, command: str | None = None) -> None:
    """An empty state: what is missing, and the command that fills it. Both texts are ours, not data."""
    with st.container(border=True, key=f"empty-{headline}"):
        st.markdown(f":material/waves: **{headline}**")
        st.caption(advice)
        if command:
            st.code(command, language="bash")


def explained(error: ServiceError) -> str:
    """Why there is no answer, as Markdown."""
    name = f"The {error.service} service"
    if isinstance(error, ServiceAway):
        return f"{name} does not answer at {code(error.url)}: {plain(error.detail)}. Everything else goes on."
    if isinstance(error, ServiceOdd):
        return f"{name} answered something unexpected: {plain(error.detail[:200])}. Are all services of one version?"
    if error.status in (401, 403):
        return f"{name} wants an API key with the right scope: set `PILOTHOUSE_API_KEY` for the page."
    return f"{name} answered {error.status}: {plain(error.detail)}"


def redrawn(seconds: float, draw: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Draw a section now, and again every so many seconds.

    A run that took long, behind a service that hangs, may have the next one waiting already. Streamlit begins that one
    at once and drops what was drawn and not sent yet, each time anew. So a slow run waits until it is sent.
    """

    @wraps(draw)
    def drawn() -> None:
        begun = time.monotonic()
        draw(*args, **kwargs)
        if time.monotonic() - begun > _SLOW_SECONDS:
            time.sleep(_SENDING_SECONDS)

    st.fragment(drawn, run_every=seconds)()
