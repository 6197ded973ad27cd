"""The Parquet file of a day: its records in the order of their ids, a row group in memory at a time.

Where retention has begun to drop the day here, what the database still has, or has got since, is merged with the file
that is there: by id, each record once. A label that the database has goes before the one in the file.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pilothouse.ids import floor_id
from services.collector.archive.ledger import DueDay
from services.collector.errors import IncompleteDayError
from services.collector.records.export import Sink, Tables, arrow_schema, record_table, row_groups
from services.collector.records.reading import RecordReader
from services.collector.records.selection import LABELLED_AT, RecordField, Selection, fields_of
from services.collector.store.record_table import RecordTable
from services.collector.times import DAY_MS


class DayFile:
    """One writing of a day. `keep_lease` is awaited now and then, and may raise to give it up."""

    def __init__(
        self, reader: RecordReader, table: RecordTable, due: DueDay, keep_lease: Callable[[], Awaitable[None]]
    ) -> None:
        self._reader, self._due, self._keep_lease = reader, due, keep_lease
        self._wanted = Selection(table, _fields(table))
        self._schema = arrow_schema(self._wanted.fields)
        self.records = 0

    async def content(self, before: pq.ParquetFile | None) -> AsyncIterator[bytes]:
        """The file's bytes; `before` is the one to merge with. Raises IncompleteDayError before the last of them when
        there are fewer records than there must be."""
        sink = Sink()
        with pq.ParquetWriter(pa.PythonFile(sink, "w"), self._schema, compression="zstd") as writer:
            async for group in row_groups(self._tables() if before is None else self._merged(before)):
                await asyncio.to_thread(writer.write_table, group)
                self.records += group.num_rows
                yield sink.drain()
                await self._keep_lease()
            least = self._due.held if before is None else before.metadata.num_rows
            if self.records < least:
                raise IncompleteDayError(f"{self.records} records of {self._due.shown} were read, of at least {least}")
            writer.add_key_value_metadata({"pilothouse": json.dumps({**self._due.shown, "records": self.records})})
        yield sink.drain()

    async def _tables(self, after: uuid.UUID | None = None, last: uuid.UUID | None = None) -> Tables:
        """What the database has of the day, after one id, up to and with another."""
        start, end = floor_id(self._due.day * DAY_MS), floor_id((self._due.day + 1) * DAY_MS)
        end = end if last is None else uuid.UUID(int=last.int + 1)
        async for page in self._reader.pages(self._wanted.between(start, end), order="asc", rows=None, after=after):
            yield record_table(self._schema, page)

    async def _merged(self, before: pq.ParquetFile) -> Tables:
        after: uuid.UUID | None = None
        for group in range(before.num_row_groups):
            old = _as_schema(await asyncio.to_thread(before.read_row_group, group), self._schema)
            last = uuid.UUID(old.column("id")[-1].as_py())
            fresh = [table async for table in self._tables(after, last)]
            yield await asyncio.to_thread(_merge, old, pa.concat_tables(fresh)) if fresh else old
            after = last
        async for table in self._tables(after):
            yield table


def _fields(table: RecordTable) -> tuple[RecordField, ...]:
    """All that is known of a record; `level` is how a sample is drawn without reading everything."""
    labels: Sequence[RecordField] = fields_of(table, ["label", LABELLED_AT], labels=True)
    identity, at, *columns = fields_of(table, None, labels=False)
    return (identity, at, RecordField("level", "integer"), *columns, *labels)


def _as_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A file of an earlier Pilothouse may lack a column."""
    columns: list[Any] = [
        table.column(f.name).cast(f.type) if f.name in table.column_names else pa.nulls(table.num_rows, f.type)
        for f in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _merge(old: pa.Table, fresh: pa.Table) -> pa.Table:
    labelled = fresh.filter(pc.is_valid(fresh.column("label"))).column("id")
    kept = old.filter(pc.invert(pc.is_in(old.column("id"), value_set=labelled.combine_chunks())))
    new = fresh.filter(pc.invert(pc.is_in(fresh.column("id"), value_set=kept.column("id").combine_chunks())))
    return pa.concat_tables([kept, new]).sort_by("id")
