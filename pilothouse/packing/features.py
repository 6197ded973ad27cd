"""Features inferred from a DataFrame: type, range, categories, and whether a value may be missing.

The range that a feature accepts is wider than what the frame holds, on purpose: a value that was never seen is for
the drift service to report, not for validation to refuse. It is the span of the column once more on either side,
rounded outwards; what is never negative in the frame stays so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from pilothouse.errors import PackageError
from pilothouse.manifest import Feature

MOST_CATEGORIES = 200
Overrides = Mapping[str, Mapping[str, Any]]


def infer_features(frame: pd.DataFrame, overrides: Overrides | None = None) -> tuple[Feature, ...]:
    """A feature for each column, in the frame's order. `overrides` replaces fields of single features by name.

    Raises PackageError for columns that cannot be features, and for an override of a column that is not there.
    """
    overrides = overrides or {}
    names = [str(c) for c in frame.columns]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise PackageError(f"the reference has two columns of the same name: {', '.join(twice)}")
    unknown = sorted(set(overrides) - set(names))
    if unknown:
        raise PackageError(f"features: {', '.join(unknown)} is no column of the reference ({', '.join(names)})")
    if not names:
        raise PackageError("the reference has no feature columns")
    return tuple(infer_feature(frame[c], overrides.get(str(c), {})) for c in frame.columns)


def infer_feature(column: pd.Series[Any], given: Mapping[str, Any]) -> Feature:
    """One feature. Fields in `given` are taken as they are; the others follow the (given or inferred) type."""
    name = str(column.name)
    kind = given.get("type") or _type(column)
    fields: dict[str, Any] = {"name": name, "type": kind}
    present = column.dropna()
    if present.empty:
        raise PackageError(f"feature {name!r}: every value of the reference is missing")
    if kind == "category":
        fields["categories"] = _categories(column)
    elif kind != "boolean":
        fields["minimum"], fields["maximum"] = _range(name, kind, present)
    if len(present) < len(column):
        fields["required"] = False
    try:
        return Feature(**(fields | dict(given)))
    except ValueError as error:
        raise PackageError(f"feature {name!r}: {error}") from error


def instances(frame: pd.DataFrame, features: tuple[Feature, ...]) -> list[dict[str, Any]]:
    """The frame's rows as a caller would send them: plain Python values by name, missing ones left out."""
    columns = [_values(frame[f.name], f) for f in features]
    return [
        {f.name: v for f, v in zip(features, row, strict=True) if v is not None} for row in zip(*columns, strict=True)
    ]


def accepted_range(low: float, high: float) -> tuple[float | None, float | None]:
    """The span once more on either side, outwards to a round number; None where that is beyond a float's range."""
    span = high - low or abs(high) or 1.0
    digits = 1 - math.floor(math.log10(span)) if math.isfinite(span) else 0
    lowest, highest = _outwards(low - span, digits, math.floor), _outwards(high + span, digits, math.ceil)
    lowest = max(lowest, 0.0) if low >= 0 else lowest
    highest = min(highest, 0.0) if high <= 0 else highest
    return (lowest if math.isfinite(lowest) else None, highest if math.isfinite(highest) else None)


def _outwards(value: float, digits: int, direction: Any) -> float:
    """Round to `digits` decimals in a direction; numbers whose scale a float cannot hold stay as they are."""
    try:
        scale = 10.0**digits
        return float(round(direction(value * scale) / scale, max(digits, 0)))
    except (OverflowError, ZeroDivisionError, ValueError):
        return value


def _type(column: pd.Series[Any]) -> str:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return "category"
    if pd.api.types.is_bool_dtype(kind):
        return "boolean"
    if pd.api.types.is_integer_dtype(kind):
        return "integer"
    if pd.api.types.is_float_dtype(kind):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(kind):
        return "datetime"
    return _type_of_objects(column)


def _type_of_objects(column: pd.Series[Any]) -> str:
    found = {type(v) for v in column.dropna()}
    if found == {bool}:
        return "boolean"
    if found != {str}:
        names = ", ".join(sorted(t.__name__ for t in found)) or "nothing"
        raise PackageError(
            f"feature {column.name!r}: a column of {names} ({column.dtype}) is none of the feature types"
        )
    distinct = column.nunique()
    if distinct > MOST_CATEGORIES:
        raise PackageError(
            f"feature {column.name!r}: {distinct} different texts are more than {MOST_CATEGORIES} categories; "
            "leave the column out, or make it a pandas categorical to insist"
        )
    return "category"


def _categories(column: pd.Series[Any]) -> tuple[str, ...]:
    """All categories in the order of their codes: a categorical's own order, else sorted."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return tuple(str(c) for c in column.cat.categories)
    return tuple(str(c) for c in sorted(column.dropna().unique()))


def _range(name: str, kind: str, present: pd.Series[Any]) -> tuple[Any, Any]:
    if kind == "datetime":
        return _range_of_times(_utc(present))
    values = present.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise PackageError(f"feature {name!r}: the reference holds an infinite number")
    return accepted_range(float(values.min()), float(values.max()))


def _range_of_times(moments: pd.Series[Any]) -> tuple[datetime, datetime]:
    low, high = moments.min(), moments.max()
    span = max(high - low, pd.Timedelta(days=1))
    return _midnight(low - span), _midnight(high + span + pd.Timedelta(days=1))


def _midnight(moment: pd.Timestamp) -> datetime:
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def _utc(column: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_datetime(column, utc=True)


def _values(column: pd.Series[Any], feature: Feature) -> list[Any]:
    """Plain Python values, None where one is missing."""
    if feature.type == "datetime":
        column = _utc(column)
    if str(column.dtype).lower() == "float32":
        texts = column.to_numpy(dtype=np.float32, na_value=np.nan).astype(str)  # 128.9, and not 128.89999389648438
        column = pd.Series(texts.astype(np.float64), name=column.name)
    convert = _CONVERSIONS[feature.type]
    missing = column.isna().to_numpy()
    return [None if gone else convert(value) for value, gone in zip(column.tolist(), missing, strict=True)]


def _whole(value: Any) -> int | float:
    """An integer where it is one; a fraction stays, for validation to name."""
    return int(value) if float(value).is_integer() else float(value)


_CONVERSIONS: dict[str, Any] = {
    "number": float,
    "integer": _whole,
    "boolean": bool,
    "category": str,
    "datetime": lambda moment: moment.to_pydatetime(warn=False),
}
