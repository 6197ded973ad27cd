"""The choice of how far back a history goes; it stands in the address."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from services.frontend import links

SPANS = {"1h": "Hour", "24h": "Day", "7d": "Week", "30d": "Month"}
LENGTHS = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}


def current() -> str:
    """The span that the address names."""
    return links.current("history", list(SPANS), "24h")


def choose() -> str:
    """The choice, drawn."""
    value = links.choose("history", list(SPANS), "24h")
    st.segmented_control(
        "Span",
        list(SPANS),
        format_func=lambda option: SPANS[option],
        key=links.widget_key("history"),
        on_change=links.changed,
        args=("history",),
        required=True,
        label_visibility="collapsed",
    )
    return value
