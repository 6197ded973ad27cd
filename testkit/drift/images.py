"""A small image model whose embeddings are drawn: a manifest and what it logs. The code under test is real."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.manifest import DriftColumn, ImageInput, Manifest, Monitoring, Output

SIZE = 64


def image_manifest(size: int = SIZE, **monitoring: Any) -> Manifest:
    """One monitored column besides the embedding, which says nothing."""
    return Manifest(
        name="scans",
        version="1",
        task="binary",
        input=ImageInput(width=32, height=32, mode="RGB", statistics=("noise",), embedding_size=size),
        output=Output(classes=("fine", "ill")),
        monitoring=Monitoring(columns=(DriftColumn(name="noise"),), **monitoring),
    )


def embeddings(rows: int, seed: int = 0, size: int = SIZE, shift: float = 0.0) -> NDArray[np.float32]:
    """(rows, size) float32 of falling widths, as real ones have; `shift` moves the narrower half by so many widths."""
    rng = np.random.default_rng(seed)
    widths = 5.0 * np.arange(1, size + 1) ** -0.7
    vectors = rng.normal(size=(rows, size)) * widths
    vectors[:, size // 8 : size // 2] += shift * widths[size // 8 : size // 2]
    return vectors.astype(np.float32)


def scans(
    rows: int,
    seed: int = 0,
    shift: float = 0.0,
    vectors: Iterable[Iterable[float] | None] | None = None,
    size: int = SIZE,
) -> pa.Table:
    """What the model logs, as far as drift is measured on it."""
    rng = np.random.default_rng(1000 + seed)
    vectors = embeddings(rows, seed, size, shift) if vectors is None else vectors
    return pa.table({"noise": rng.gamma(2.0, 1.0, rows), "embedding": vector_column(vectors)})


def vector_column(vectors: Iterable[Iterable[float] | None]) -> pa.Array:
    """Lists of float32 as the collector sends them; a row that is None is missing."""
    return pa.array([None if v is None else list(map(float, v)) for v in vectors], pa.list_(pa.float32()))
