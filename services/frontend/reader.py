"""What the browser tells of its reader: the time zone, and whether the page is dark."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def zone() -> tzinfo:
    """The reader's time zone; UTC when the browser does not say, or says one that is not known here."""
    name = st.context.timezone
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def dark() -> bool:
    return bool(st.context.theme.type == "dark")
