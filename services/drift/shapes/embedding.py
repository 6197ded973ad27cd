"""The embeddings of a window and of the reference on a plane: the reference's two widest principal components."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from services.drift.joint.embedding import EmbeddingProfile
from services.drift.projection import Rows
from services.drift.reference import EMBEDDING
from services.drift.vectors import Vectors, read_vectors, usable

POINTS = 500  # a side at most
DIGITS = 4  # decimals of a coordinate: a picture needs no more


def plane(known: EmbeddingProfile, table: pa.Table) -> dict[str, Any]:
    """Points of the reference and of a window's records, as on the wire."""
    before = known.reference_plane
    even = np.linspace(0, len(before) - 1, min(len(before), POINTS)).astype(int)
    vectors, ids = _current(table, known.projection.axes.shape[1])
    return {
        "reference": _points(before[even]),
        "current": _points(known.plane(vectors)),
        "current_ids": ids,
        "explained": [*known.projection.explained.tolist(), 0.0][:2],
        "rows": len(vectors),
    }


def _current(table: pa.Table, size: int) -> tuple[Vectors, list[str]]:
    if not {"id", EMBEDDING} <= set(table.column_names):
        return np.empty((0, size), np.float32), []
    vectors = read_vectors(table.column(EMBEDDING), size)
    there = usable(vectors)
    ids = table.column("id").to_pylist()
    return vectors[there], [str(ids[i]) for i in np.flatnonzero(there)]


def _points(places: Rows) -> list[list[float]]:
    points: list[list[float]] = np.round(places.astype(np.float64), DIGITS).tolist()
    return points
