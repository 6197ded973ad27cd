"""The choice of the window that a page is about; it stands in the address."""

from __future__ import annotations

import streamlit as st

from services.frontend import links

WINDOWS = {"latest": "Newest", "1h": "Hour", "24h": "Day", "7d": "Week"}


def choose() -> str | None:
    """The window as the drift service understands it; None for the one that the manifest names."""
    value = links.choose("window", list(WINDOWS), "latest")
    st.segmented_control(
        "Window",
        list(WINDOWS),
        format_func=lambda option: WINDOWS[option],
        key=links.widget_key("window"),
        on_change=links.changed,
        args=("window",),
        required=True,
        label_visibility="collapsed",
    )
    return None if value == "latest" else value
