"""The reference: what the packed model logs for rows of the training data, and their labels, as parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pilothouse.columns import Column, model_columns
from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of

LABEL = "label"
CHUNK_ROWS = 64  # as in `graph`


def write_reference(path: Path, manifest: Manifest, columns: dict[str, list[Any]], labels: list[Any] | None) -> None:
    """Write the log columns (datetimes in milliseconds since 1970) and, where they are known, the labels.

    There is no metadata of pandas in it, so that the same rows give the same bytes.
    """
    fields = [(c.name, arrow_type(c)) for c in model_columns(manifest)]
    table = pa.table({name: pa.array(columns[name], kind) for name, kind in fields})
    if labels is not None:
        table = table.append_column(LABEL, pa.array(labels, label_type(manifest)))
    pq.write_table(table, path, compression="zstd", compression_level=19)


def arrow_type(column: Column) -> Any:
    """How a log column is stored in the reference; datetimes are naive UTC."""
    if column.kind == "vector":
        return pa.list_(pa.float32(), column.size or -1)
    return _TYPES[column.kind]


def label_type(manifest: Manifest) -> Any:
    """How labels are stored in the reference."""
    return _TYPES[task_of(manifest).label_kind]


_TYPES = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "category": pa.string(),
    "text": pa.string(),
    "datetime": pa.timestamp("ms"),
}
