"""The log drawn as a table, with each column formatted as what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from pilothouse.manifest import Manifest
from services.frontend import table
from services.frontend.text import DASH


def show(frame: pd.DataFrame, manifest: Manifest, *, key: str, selectable: bool = False) -> int | None:
    """Draw the table; the position of the row that is selected, if rows can be."""
    settings = {column: _column(str(column), manifest) for column in frame.columns}
    options: dict[str, Any] = {"on_select": "rerun", "selection_mode": "single-row"} if selectable else {}
    options |= {"column_config": settings, "key": key, "placeholder": DASH, "alt": "Logged predictions"}
    drawn = st.dataframe(table.rounded(frame), hide_index=True, **options)
    rows = drawn.selection.rows if selectable else []
    return int(rows[0]) if rows else None


def _column(column: str, manifest: Manifest) -> Any:
    heading = table.heading(column, manifest)
    config = st.column_config
    as_kind: dict[str, Callable[[], Any]] = {
        "time": lambda: config.DatetimeColumn(heading, format="YYYY-MM-DD HH:mm:ss", width=160),
        "date": lambda: config.DatetimeColumn(heading, format="YYYY-MM-DD"),
        "share": lambda: config.ProgressColumn(heading, format="percent", min_value=0, max_value=1),
        "integer": lambda: config.NumberColumn(heading, format="%d"),
        "boolean": lambda: config.CheckboxColumn(heading),
        "number": lambda: config.NumberColumn(heading, format="localized"),
        "text": lambda: config.TextColumn(heading),
    }
    return as_kind[table.kind(column, manifest)]()
