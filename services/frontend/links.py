"""Deep links: what is chosen on a page stands in its address, so that the address restores the view."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


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


def changed(name: str) -> None:
    """For a widget's `on_change`: its new value becomes the choice."""
    remember(name, st.session_state[widget_key(name)])


def remember(name: str, value: str | None) -> None:
    st.session_state[_kept(name)] = value
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def unknown(name: str, options: Sequence[str]) -> str | None:
    """What the address asks for and there is not."""
    wanted = st.query_params.get(name)
    return str(wanted) if wanted is not None and wanted not in options else None


def widget_key(name: str) -> str:
    return f"choice-{name}"


def _kept(name: str) -> str:
    return f"kept-{name}"
