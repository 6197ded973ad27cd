"""Files of labels, CSV or Parquet, of any size: read a row at a time, with how far the reading is."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from pilothouse.errors import Fault, InputError
from pilothouse.label_csv import BadRow, LabelColumns, LabelRow, open_rows
from pilothouse.labels import is_missing

PARQUET = frozenset({".parquet", ".pq"})
_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class LabelFile:
    """`rows` are read as they are asked for, and raise InputError for what cannot be read. A row's `line` is a line of
    CSV or a row of Parquet, as `noun` says. `position` goes from 0 to `size`."""

    rows: Iterator[LabelRow | BadRow]
    noun: str
    size: int
    position: Callable[[], int]


@contextmanager
def open_labels(path: Path, columns: LabelColumns) -> Iterator[LabelFile]:
    """A Parquet file, or else CSV. Raises InputError for a file that is not there, or cannot be read, or has not these
    columns."""
    if not path.is_file():
        raise InputError([Fault(str(path), "no_file", "is a folder" if path.is_dir() else "there is no such file")])
    try:
        with _open_parquet(path, columns) if path.suffix.lower() in PARQUET else _open_csv(path, columns) as file:
            yield file
    except InputError as error:
        raise InputError([Fault(str(path), fault.code, fault.message) for fault in error.faults]) from None
    except UnicodeDecodeError as error:
        said = f"holds the byte {error.object[error.start]:#04x}, which is no UTF-8; save it as UTF-8"
        raise InputError([Fault(str(path), "not_utf8", said)]) from None
    except OSError as error:
        raise InputError([Fault(str(path), "unreadable", error.strerror or str(error))]) from None


@contextmanager
def _open_csv(path: Path, columns: LabelColumns) -> Iterator[LabelFile]:
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        yield LabelFile(open_rows(text, columns), "line", path.stat().st_size, raw.tell)


@contextmanager
def _open_parquet(path: Path, columns: LabelColumns) -> Iterator[LabelFile]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            wanted = [names[place] for place in columns.places(names) if place is not None]
            read = _Read()
            yield LabelFile(_parquet_rows(file, wanted, read), "row", file.metadata.num_rows, lambda: read.rows)
    except pa.ArrowException as error:
        raise InputError([Fault("", "malformed", f"is no readable Parquet file: {str(error)[:200]}")]) from None


@dataclass
class _Read:
    rows: int = 0


def _parquet_rows(file: Any, wanted: list[str], read: _Read) -> Iterator[LabelRow]:
    for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=wanted):
        parts = [batch.column(name).to_pylist() for name in wanted]
        times = parts[2] if len(parts) > 2 else [None] * len(batch)
        for record_id, label, at in zip(parts[0], parts[1], times, strict=True):
            read.rows += 1
            given = None if is_missing(label) else label
            yield LabelRow(read.rows, _id_text(record_id), given, at.isoformat() if hasattr(at, "isoformat") else at)


def _id_text(value: Any) -> str:
    return str(UUID(bytes=value)) if isinstance(value, bytes) and len(value) == 16 else str(value)
