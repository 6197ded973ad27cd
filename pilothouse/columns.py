"""The columns of a model version's log, derived from its manifest.

The one place that says what is logged: the reference, the record on the wire, the collector's table and the drift
service's frame all have these columns, so that they cannot mismatch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pilothouse.manifest import Manifest

ColumnKind = Literal["number", "integer", "boolean", "category", "datetime", "text", "vector"]
ColumnRole = Literal["meta", "input", "prediction", "probability", "embedding"]


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` fixes the type in the database: float64, int64, bool, text, timestamptz, text, float32 array."""

    name: str
    kind: ColumnKind
    role: ColumnRole
    size: int | None = None  # length of a vector


def record_columns(manifest: Manifest) -> tuple[Column, ...]:
    """Every column of a record after its `id`, in the order they have on the wire and in the table.

    `id` (UUIDv7) is not among them and comes first everywhere. `at`, the time of the prediction, is the id's own
    timestamp (milliseconds since the epoch), so it is not sent: the collector stores it for people's queries.
    """
    columns = [
        Column("latency_ms", "number", "meta"),
        Column("source", "text", "meta"),
        Column("trace_id", "text", "meta"),
    ]
    columns += model_columns(manifest)
    return tuple(columns)


def model_columns(manifest: Manifest) -> tuple[Column, ...]:
    """What the model was given and what it gave: the columns that the reference has (besides its `label`)."""
    if manifest.input.kind == "tabular":
        inputs = [Column(f.name, f.type, "input") for f in manifest.input.features]
        return (*inputs, *manifest.output_columns)
    inputs = [Column(name, "number", "input") for name in manifest.input.statistics]
    size = manifest.input.embedding_size
    return (*inputs, *manifest.output_columns, *([Column("embedding", "vector", "embedding", size)] if size else []))


def schema_digest(manifest: Manifest) -> str:
    """Sixteen hex digits that change when the columns or their kinds change: what a 409 compares."""
    text = ";".join(f"{c.name}:{c.kind}:{c.size or ''}" for c in record_columns(manifest))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
