"""The log as a table: which columns, in which order, and how each is shown. Nothing here draws."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import pandas as pd

from pilothouse.ids import time_ms
from pilothouse.manifest import Manifest
from services.frontend.answers import Records
from services.frontend.text import pretty_unit, title

TIME, CONFIDENCE = "time", "confidence"


def frame(records: Records, manifest: Manifest, zone: tzinfo) -> pd.DataFrame:
    """The records, newest first: time, prediction, confidence, inputs, latency, id. Embeddings stay out."""
    table = pd.DataFrame(records.records, columns=records.columns or ["id"])
    times = [time_of(str(record_id)).astimezone(zone) for record_id in table["id"]]
    table.insert(0, TIME, pd.Series(times, dtype=pd.DatetimeTZDtype("ms", zone), index=table.index))
    if manifest.task != "regression" and "prediction" in table:
        table["prediction"] = table["prediction"].astype("string")
    known = [c for c in manifest.probability_columns if c in table]
    if known:
        table[CONFIDENCE] = table[known].max(axis=1)
    for feature in _datetimes(manifest):
        if feature in table:
            table[feature] = pd.to_datetime(table[feature], utc=True, format="ISO8601", errors="coerce")
    ordered = [TIME, "prediction", "risk", "label", CONFIDENCE, *manifest.input_columns, "latency_ms", "source", "id"]
    return table[[name for name in ordered if name in table]]


def heading(column: str, manifest: Manifest) -> str:
    """A column's heading, with the unit where it has one."""
    unit = {"prediction": manifest.output.unit, "latency_ms": "ms", **units(manifest)}.get(column)
    return title(column, unit) + (f" ({pretty_unit(unit)})" if unit else "")


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with numbers cut to about four digits, by the largest of their column: for reading only."""
    short = table.copy()
    for column in short.select_dtypes("float").columns.difference([CONFIDENCE]):
        largest = short[column].abs().max()
        if largest > 0 and math.isfinite(largest):
            short[column] = short[column].round(max(3 - math.floor(math.log10(largest)), 0))
    return short


def units(manifest: Manifest) -> dict[str, str]:
    """Units of the features that have one."""
    features: Sequence[Any] = getattr(manifest.input, "features", ())
    return {f.name: f.unit for f in features if f.unit}


def kind(column: str, manifest: Manifest) -> str:
    """How a column is shown: time, share, date, number, integer, boolean, text."""
    if column == TIME:
        return "time"
    if column == CONFIDENCE:
        return "share"
    if column in _datetimes(manifest):
        return "date"
    types = {f.name: f.type for f in getattr(manifest.input, "features", ())}
    if types.get(column) in ("integer", "boolean"):
        return str(types[column])
    is_number = column in manifest.input_columns and types.get(column, "number") == "number"
    is_answer = column in ("prediction", "label") and manifest.task == "regression"
    if is_number or is_answer or column == "latency_ms":
        return "number"
    return "text"


def _datetimes(manifest: Manifest) -> list[str]:
    return [f.name for f in getattr(manifest.input, "features", ()) if f.type == "datetime"]


def time_of(record_id: str) -> datetime:
    """A record's time is its id's."""
    return datetime.fromtimestamp(time_ms(uuid.UUID(record_id)) / 1000, UTC)
