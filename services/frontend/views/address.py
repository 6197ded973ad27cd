"""Choices that stand in the page's address, so that the address restores the view; and links from page to page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import streamlit as st

WINDOWS = {"latest": "Newest", "1h": "Hour", "24h": "Day", "7d": "Week"}
SPANS = {"1h": "Hour", "24h": "Day", "7d": "Week", "30d": "Month"}
SPAN_LENGTHS = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_SPAN = "24h"


def current(name: str, options: Sequence[str], default: str) -> str:
    """What the address says of `name`, else what was chosen on another page, else `default`."""
    for wanted in (st.query_params.get(name), st.session_state.get(_kept(name))):
        if wanted in options:
            return str(wanted)
    return default


def choose(name: str, options: Sequence[str], default: str) -> str:
    """The current choice, written to the address, and made that of the widget with the key `widget_key(name)`."""
    value = current(name, options, default)
    st.session_state[widget_key(name)] = value
    remember(name, value)
    return value


def choose_one(label: str, name: str, options: Mapping[str, str], default: str) -> str:
    """The current choice, drawn as buttons side by side; `options` are their titles by value."""
    value = choose(name, list(options), default)
    st.segmented_control(
        label, list(options), format_func=options.get, key=widget_key(name), on_change=changed, args=(name,),
        required=True, label_visibility="collapsed",
    )  # fmt: skip
    return value


def choose_window() -> str | None:
    """The window that a page is about, drawn; None for the one that the manifest names."""
    value = choose_one("Window", "window", WINDOWS, "latest")
    return None if value == "latest" else value


def current_span() -> str:
    """How far back the history goes: one of SPANS."""
    return current("history", list(SPANS), _SPAN)


def choose_span() -> timedelta:
    """The same, drawn."""
    return SPAN_LENGTHS[choose_one("Span", "history", SPANS, _SPAN)]


def changed(name: str) -> None:
    """For a widget's `on_change`: its new value becomes the choice."""
    remember(name, st.session_state[widget_key(name)])


def remember(name: str, value: str | None) -> None:
    """Write a choice to the address; None takes it out."""
    st.session_state[_kept(name)] = value
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def unknown(name: str, options: Sequence[str]) -> str | None:
    """What the address asks for although it is not among `options`."""
    wanted = st.query_params.get(name)
    return str(wanted) if wanted is not None and wanted not in options else None


def widget_key(name: str) -> str:
    return f"choice-{name}"


def link(path: str, label: str, **query: str) -> None:
    """A link to the page at `path`, with the chosen model and `query`. Nothing when a page stands alone, as in a
    test."""
    page = st.session_state.get("pages", {}).get(path)
    if page is not None:
        chosen = {name: st.query_params[name] for name in ("model", "version") if name in st.query_params}
        st.page_link(page, label=label, icon=":material/arrow_forward:", query_params={**chosen, **query} or None)


def _kept(name: str) -> str:
    return f"kept-{name}"
