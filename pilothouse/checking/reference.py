"""The reference against the manifest: exactly the columns that will be logged, of the right kinds, with sane values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pilothouse.checking.report import Finding
from pilothouse.columns import Column, model_columns
from pilothouse.manifest import Feature, ImageInput, Manifest
from pilothouse.reference import LABEL, arrow_type, label_type

SUM_SLACK = 1e-3


def check_reference(manifest: Manifest, table: Any) -> Finding:
    """Every fault of a reference read as an Arrow table."""
    columns = model_columns(manifest)
    faults = _schema(manifest, columns, table.schema)
    detail = f"{table.num_rows} rows, {table.num_columns} columns"
    needed = manifest.monitoring.minimum_rows
    if table.num_rows < needed:
        faults.append(f"{table.num_rows} rows are fewer than monitoring.minimum_rows ({needed})")
    if not faults:
        for column in columns:
            faults += _values(manifest, column, table[column.name])
        faults += (_labels(manifest, table[LABEL]) if LABEL in table.column_names else []) + _sums(manifest, table)
    return Finding("reference", detail, tuple(faults))


def _schema(manifest: Manifest, columns: tuple[Column, ...], schema: Any) -> list[str]:
    wanted = {c.name: arrow_type(c) for c in columns} | {LABEL: label_type(manifest)}
    found = dict(zip(schema.names, schema.types, strict=True))
    absent = wanted.keys() - found.keys() - ({LABEL} if manifest.runtime == "external" else set())
    faults = [f"the reference has no column {name!r}, which will be logged" for name in absent]
    faults += [f"the reference has a column {name!r} that is not logged" for name in found.keys() - wanted.keys()]
    for name in wanted.keys() & found.keys():
        if not _same_kind(wanted[name], found[name]):
            faults.append(f"column {name!r} is {found[name]}, not {wanted[name]}")
    if len(schema.names) != len(found):
        faults.append("the reference has two columns of the same name")
    return sorted(faults)


def _same_kind(wanted: Any, found: Any) -> bool:
    """Equal, or a spelling of the same kind that other writers of parquet use."""
    if pa.types.is_timestamp(wanted):
        return bool(pa.types.is_timestamp(found))
    if pa.types.is_string(wanted):
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    return bool(wanted == found)


def _values(manifest: Manifest, column: Column, values: Any) -> list[str]:
    name = column.name
    feature = _feature(manifest, name)
    faults = []
    if values.null_count and not _may_be_missing(manifest, column, feature):
        faults.append(f"column {name!r}: {values.null_count} values are missing")
    if column.role == "prediction" and name == "prediction" and manifest.output.classes:
        return faults + _unknown(name, values, manifest.output.classes)
    if feature is not None and feature.categories:
        return faults + _unknown(name, values, feature.categories)
    if column.kind in ("number", "vector"):
        faults += _not_finite(name, values)
    if column.role == "probability":
        faults += _outside(name, values, 0.0, 1.0)
    if feature is not None and column.kind != "boolean":
        faults += _outside(name, values, _plain(feature.minimum), _plain(feature.maximum))
    return faults


def _may_be_missing(manifest: Manifest, column: Column, feature: Feature | None) -> bool:
    """An external model may answer classes without probabilities, and then it has no risk either."""
    if feature is not None:
        return not feature.required
    return manifest.runtime == "external" and (column.role == "probability" or column.name == "risk")


def _feature(manifest: Manifest, name: str) -> Feature | None:
    if isinstance(manifest.input, ImageInput):
        return None
    return next((f for f in manifest.input.features if f.name == name), None)


def _unknown(name: str, values: Any, known: tuple[str, ...]) -> list[str]:
    strange = sorted(set(pc.unique(values).drop_null().to_pylist()) - set(known))
    return [f"column {name!r}: {', '.join(strange[:5])} is not among {', '.join(known)}"] if strange else []


def _not_finite(name: str, values: Any) -> list[str]:
    flat = values.combine_chunks().drop_null()
    flat = flat.flatten() if pa.types.is_nested(flat.type) else flat
    count = int((~np.isfinite(flat.to_numpy(zero_copy_only=False))).sum())
    return [f"column {name!r}: {count} values are NaN or infinite"] if count else []


def _outside(name: str, values: Any, low: Any, high: Any) -> list[str]:
    present = values.drop_null()
    if not len(present):
        return []
    smallest, largest = _plain(pc.min(present).as_py()), _plain(pc.max(present).as_py())
    faults = []
    if low is not None and smallest < low:
        faults.append(f"column {name!r}: {smallest} is below the minimum {low}")
    if high is not None and largest > high:
        faults.append(f"column {name!r}: {largest} is above the maximum {high}")
    return faults


def _plain(value: Any) -> Any:
    """A datetime as naive UTC, as the reference has it; anything else as it is."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _labels(manifest: Manifest, values: Any) -> list[str]:
    if values.null_count:
        return [f"column {LABEL!r}: {values.null_count} values are missing"]
    return _unknown(LABEL, values, manifest.output.classes) if manifest.output.classes else _not_finite(LABEL, values)


def _sums(manifest: Manifest, table: Any) -> list[str]:
    names = list(manifest.probability_columns)
    if not names:
        return []
    sums = np.sum([table[n].to_numpy() for n in names], axis=0)
    off = np.abs(sums[~np.isnan(sums)] - 1).max(initial=0)  # missing ones are another check's
    return [] if off <= SUM_SLACK else [f"probabilities add up to 1 ± {off:.3g}"]
