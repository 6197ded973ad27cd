"""Records as a table: which columns stand in it, in which order, and how each is drawn."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

import pandas as pd
import streamlit as st

from pilothouse.ids import time_ms
from pilothouse.manifest import Feature, Manifest
from pilothouse.tasks import task_of
from pilothouse.wire.records import RecordPage
from services.frontend.formatting import DASH, in_brackets, title

TIME, CONFIDENCE = "time", "confidence"


def show(records: pd.DataFrame, manifest: Manifest, *, key: str, selectable: bool = False) -> int | None:
    """Draw what `frame` gave; the position of the row that is selected, if rows can be."""
    settings = {column: _column(str(column), manifest) for column in records.columns}
    options: dict[str, Any] = {"on_select": "rerun", "selection_mode": "single-row"} if selectable else {}
    options |= {"column_config": settings, "key": key, "placeholder": DASH, "alt": "Logged predictions"}
    drawn = st.dataframe(rounded(records), hide_index=True, **options)
    rows = drawn.selection.rows if selectable else []
    return int(rows[0]) if rows else None


def frame(page: RecordPage, manifest: Manifest, zone: tzinfo) -> pd.DataFrame:
    """The records, newest first: time, prediction, confidence, inputs, latency, id. Embeddings stay out."""
    table = pd.DataFrame(page.records, columns=page.columns or ["id"])
    times = [time_of(str(record_id)).astimezone(zone) for record_id in table["id"]]
    table.insert(0, TIME, pd.Series(times, dtype=pd.DatetimeTZDtype("ms", zone), index=table.index))
    if task_of(manifest).has_classes and "prediction" in table:
        table["prediction"] = table["prediction"].astype("string")
    known = [c for c in manifest.probability_columns if c in table]
    if known:
        table[CONFIDENCE] = table[known].max(axis=1)
    for name, feature in _features(manifest).items():
        if feature.type == "datetime" and name in table:
            table[name] = pd.to_datetime(table[name], utc=True, format="ISO8601", errors="coerce")
    ordered = [TIME, "prediction", "risk", "label", CONFIDENCE, *manifest.input_columns, "latency_ms", "source", "id"]
    return table[[name for name in ordered if name in table]]


def heading(column: str, manifest: Manifest) -> str:
    """A column's heading, with the unit where it has one."""
    unit = {"prediction": manifest.output.unit, "latency_ms": "ms"}.get(column) or unit_of(column, manifest)
    return title(column, unit) + in_brackets(unit)


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with numbers cut to about four digits, by the largest of their column: for reading only."""
    short = table.copy()
    for column in short.select_dtypes("float").columns.difference([CONFIDENCE]):
        largest = short[column].abs().max()
        if largest > 0 and math.isfinite(largest):
            short[column] = short[column].round(max(3 - math.floor(math.log10(largest)), 0))
    return short


def unit_of(column: str, manifest: Manifest) -> str | None:
    """The unit of a feature that has one."""
    feature = _features(manifest).get(column)
    return feature.unit if feature else None


def kind(column: str, manifest: Manifest) -> str:
    """How a column is shown: time, share, datetime, number, integer, boolean, text."""
    if column in (TIME, CONFIDENCE):
        return "time" if column == TIME else "share"
    feature = _features(manifest).get(column)
    if feature:
        return "text" if feature.type == "category" else feature.type
    is_answer = column in ("prediction", "label") and not task_of(manifest).has_classes
    return "number" if is_answer or column == "latency_ms" or column in manifest.input_columns else "text"


def time_of(record_id: str) -> datetime:
    """A record's time is its id's."""
    return datetime.fromtimestamp(time_ms(uuid.UUID(record_id)) / 1000, UTC)


def _features(manifest: Manifest) -> Mapping[str, Feature]:
    """By name; none of an image, which is logged as statistics."""
    return {f.name: f for f in getattr(manifest.input, "features", ())}


def _column(column: str, manifest: Manifest) -> Any:
    config, label = st.column_config, heading(column, manifest)
    by_kind: dict[str, Callable[[], Any]] = {
        "time": lambda: config.DatetimeColumn(label, format="YYYY-MM-DD HH:mm:ss", width=160),
        "datetime": lambda: config.DatetimeColumn(label, format="YYYY-MM-DD"),
        "share": lambda: config.ProgressColumn(label, format="percent", min_value=0, max_value=1),
        "integer": lambda: config.NumberColumn(label, format="%d"),
        "boolean": lambda: config.CheckboxColumn(label),
        "number": lambda: config.NumberColumn(label, format="localized"),
        "text": lambda: config.TextColumn(label),
    }
    return by_kind[kind(column, manifest)]()
