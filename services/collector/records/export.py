"""Records as JSON, CSV, Parquet or Arrow, a page at a time, so that a million rows need no more memory than a page."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from services.collector.records.reading import Page
from services.collector.records.selection import RecordField
from services.collector.store import vectors
from services.collector.times import to_iso

Pages = AsyncIterator[Page]
Bytes = AsyncIterator[bytes]
Tables = AsyncIterator[pa.Table]
CONTENT_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
_GROUP_BYTES = 16 << 20  # of a row group, in Arrow's memory before compression
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def json_stream(fields: Sequence[RecordField], pages: Pages, head: dict[str, Any], tail: dict[str, Any]) -> Bytes:
    """One object: `head`, `columns`, `records`, then `tail`, which may be filled while the pages are read."""
    start = msgspec.json.encode({**head, "columns": [f.name for f in fields]})
    yield start[:-1] + b',"records":['
    names = [f.name for f in fields]
    separator = b""
    async for page in pages:
        columns = [json_values(f.kind, c) for f, c in zip(page.fields, page.columns, strict=True)]
        records = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        yield separator + msgspec.json.encode(records)[1:-1]
        separator = b","
    yield b"]," + msgspec.json.encode(tail)[1:]


def json_values(kind: str, values: Sequence[Any]) -> Sequence[Any]:
    convert = _JSON.get(kind)
    return values if convert is None else [None if v is None else convert(v) for v in values]


async def csv_stream(fields: Sequence[RecordField], pages: Pages) -> Bytes:
    """RFC 4180 in UTF-8. Text is always quoted, so a missing value and an empty text differ.

    Text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection).
    """
    yield ",".join(f'"{f.name}"' for f in fields).encode() + b"\r\n"
    async for page in pages:
        columns = [_csv_values(f.kind, c) for f, c in zip(page.fields, page.columns, strict=True)]
        yield "".join(f"{','.join(row)}\r\n" for row in zip(*columns, strict=True)).encode()


def _csv_values(kind: str, values: Sequence[Any]) -> list[str]:
    convert = _CSV[kind]
    return ["" if v is None else convert(v) for v in values]


def _csv_text(value: str) -> str:
    text = f"'{value}" if value.startswith(_FORMULA) else value
    return '"' + text.replace('"', '""') + '"'


async def arrow_stream(fields: Sequence[RecordField], pages: Pages) -> Bytes:
    """Arrow's IPC stream format."""
    schema, sink = arrow_schema(fields), Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), schema) as writer:
        async for page in pages:
            writer.write_table(record_table(schema, page))
            yield sink.drain()
    yield sink.drain()


async def parquet_stream(fields: Sequence[RecordField], pages: Pages) -> Bytes:
    schema, sink = arrow_schema(fields), Sink()
    with pa.parquet.ParquetWriter(pa.PythonFile(sink, "w"), schema, compression="zstd") as writer:
        async for group in row_groups(record_table(schema, page) async for page in pages):
            writer.write_table(group)
            yield sink.drain()
    yield sink.drain()


async def row_groups(tables: Tables) -> Tables:
    """The same rows in tables that make good row groups of a Parquet file: small ones make large files."""
    waiting: list[pa.Table] = []
    async for table in tables:
        waiting.append(table)
        if sum(t.nbytes for t in waiting) > _GROUP_BYTES:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def arrow_schema(fields: Sequence[RecordField]) -> pa.Schema:
    return pa.schema([(f.name, _ARROW[f.kind]) for f in fields])


def record_table(schema: pa.Schema, page: Page) -> pa.Table:
    columns = zip(page.fields, page.columns, schema, strict=True)
    return pa.Table.from_arrays([_arrow_array(f.kind, values, own.type) for f, values, own in columns], schema=schema)


def _arrow_array(kind: str, values: Sequence[Any], arrow_type: pa.DataType) -> pa.Array:
    if kind == "id":
        return pa.array([_id_text(v) for v in values], arrow_type)
    if kind != "vector":
        return pa.array(values, arrow_type)
    offsets: list[int | None] = []
    end = 0
    for value in values:
        offsets.append(None if value is None else end)
        end += 0 if value is None else len(value) // 4
    numbers = vectors.to_arrow(b"".join(v for v in values if v is not None))
    return pa.ListArray.from_arrays(pa.array([*offsets, end], pa.int32()), numbers)


class Sink(io.RawIOBase):
    """A file for writing that hands out what was written since the last time, and still knows how far it is."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        return self._size

    def drain(self) -> bytes:
        drained = b"".join(self._parts)
        self._parts.clear()
        return drained


def _id_text(value: bytes) -> str:
    """What str(UUID) says, in a tenth of its time."""
    digits = value.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_JSON: dict[str, Callable[[Any], Any]] = {
    "id": _id_text,
    "datetime": to_iso,
    "moment": to_iso,
    "vector": vectors.to_list,
}
_CSV: dict[str, Callable[[Any], str]] = {
    "id": _id_text,
    "datetime": to_iso,
    "moment": to_iso,
    "number": repr,
    "integer": str,
    "boolean": lambda value: "true" if value else "false",
    "category": _csv_text,
    "text": _csv_text,
    "vector": lambda value: f'"{msgspec.json.encode(vectors.to_list(value)).decode()}"',
}
_ARROW: dict[str, pa.DataType] = {
    "id": pa.string(),
    "datetime": pa.timestamp("ms", "UTC"),
    "moment": pa.timestamp("ms", "UTC"),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "category": pa.string(),
    "text": pa.string(),
    "vector": pa.list_(pa.float32()),
}
