"""The reference: what the packed model logs for rows of the training data, and their labels, as parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pilothouse.columns import Column, model_columns
from pilothouse.manifest import Manifest
from pilothouse.model import Inputs, Model, Outputs
from pilothouse.tasks import task_of

LABEL = "label"
CHUNK_ROWS = 64  # as in `graph`


@dataclass(frozen=True, slots=True)
class Answered:
    """The served model's log columns for some rows, and its raw outputs by name."""

    columns: dict[str, list[Any]]
    outputs: dict[str, NDArray[Any]]


def answer(model: Model, rows: list[Any]) -> Answered:
    """Run the model as the service does, in chunks that bound the memory of image statistics."""
    columns: dict[str, list[Any]] = {c.name: [] for c in model_columns(model.manifest)}
    outputs: list[dict[str, NDArray[Any]]] = []
    for inputs in _chunks(rows):
        answered = model.run(inputs)
        for name, values in model.columns(inputs, answered).items():
            columns[name] += values
        outputs.append(_named(answered))
    return Answered(columns, {n: np.concatenate([part[n] for part in outputs]) for n in outputs[0]})


def write_reference(path: Path, manifest: Manifest, columns: dict[str, list[Any]], labels: list[Any] | None) -> None:
    """Write the log columns and, where they are known, the labels. No pandas metadata: the same rows give the same
    bytes."""
    fields = [(c.name, arrow_type(c)) for c in model_columns(manifest)]
    table = pa.table({name: pa.array(columns[name], kind) for name, kind in fields})
    if labels is not None:
        table = table.append_column(LABEL, pa.array(labels, label_type(manifest)))
    pq.write_table(table, path, compression="zstd", compression_level=19)


def arrow_type(column: Column) -> Any:
    """How a log column is stored in the reference; datetimes are UTC without saying so, as the model gives them."""
    if column.kind == "vector":
        return pa.list_(pa.float32(), column.size or -1)
    return _TYPES[column.kind]


def label_type(manifest: Manifest) -> Any:
    return _TYPES[task_of(manifest).label_kind]


def _chunks(rows: list[Any]) -> Iterator[Inputs]:
    for start in range(0, len(rows), CHUNK_ROWS):
        yield Inputs(rows[start : start + CHUNK_ROWS])


def _named(outputs: Outputs) -> dict[str, NDArray[Any]]:
    output = outputs.probabilities if outputs.probabilities is not None else np.array(outputs.prediction)
    return {"output": output} | ({} if outputs.embedding is None else {"embedding": outputs.embedding})


_TYPES = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "category": pa.string(),
    "text": pa.string(),
    "datetime": pa.timestamp("ms"),
}
