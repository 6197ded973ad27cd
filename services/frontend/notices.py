"""What a page says when there is nothing to show: a service that is away, a log that is still empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from services.frontend.errors import ServiceAway, ServiceError, ServiceOdd
from services.frontend.text import code, plain


@contextmanager
def part(what: str) -> Iterator[None]:
    """Draw one part of a page. When its service gives no answer, that is said in its place, and the page goes on."""
    try:
        yield
    except ServiceError as error:
        absent(what, error)


def absent(what: str, error: ServiceError) -> None:
    """Why `what` cannot be shown, with a button that asks again."""
    with st.container(border=True, key=f"absent-{what}"):
        st.markdown(f":material/cloud_off: **{plain(what)}** cannot be shown.")
        st.caption(explained(error))
        st.button("Try again", key=f"retry-{what}", icon=":material/refresh:")


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
