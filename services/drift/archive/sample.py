"""A sample of archived days, by DuckDB, over Parquet files that are read a row group at a time.

Imported by the process that draws it and by nobody else: DuckDB is 65 MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pilothouse.archive import Archive, open_archive
from pilothouse.sampling import levels, thin, walk
from services.drift.archive.reader import SampleJob

LEVEL, ID, LABEL = "level", "id", "label"
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": "1",
    "memory_limit": "256MB",
    "enable_external_file_cache": "false",
    "autoinstall_known_extensions": "false",  # nothing is fetched at run time
    "autoload_known_extensions": "false",
}


def draw(job: SampleJob) -> tuple[pa.Table, int]:
    """The records that a collector would have answered with, by id, and how many the window has.

    Levels are counted first, from that one column; then the records of the levels that a sample needs are read.
    """
    days = _Days(open_archive(job.address), job)
    with duckdb.connect(":memory:", config=_SETTINGS) as database:
        counts = _counts(database, days)
        lowest = _lowest(counts, job.most)
        names = [n for n in dict.fromkeys([ID, *job.columns]) if n in days.schema.names]
        quoted = ", ".join(f'"{name}"' for name in names)
        database.register("log", days.read([*names, LEVEL]))
        wanted = f"SELECT {quoted} FROM log WHERE {LEVEL} >= {lowest} ORDER BY {ID}"  # noqa: S608 - names of the file's own columns
        found: pa.Table = database.execute(wanted).to_arrow_table()
    schema = pa.schema([days.schema.field(name) for name in names])
    return _thinned(found.cast(schema), job.most), sum(counts.values())


class _Days:
    """Row groups of the files that have something of the window, cut to it."""

    def __init__(self, archive: Archive, job: SampleJob) -> None:
        self._archive, self._job = archive, job
        self.schema: pa.Schema = pq.read_schema(archive.open(job.paths[-1]))

    def read(self, names: Sequence[str]) -> pa.RecordBatchReader:
        """These columns of the window's records, a row group in memory at a time."""
        wanted = list(dict.fromkeys(names))
        return pa.RecordBatchReader.from_batches(
            pa.schema([self.schema.field(n) for n in wanted]), self._batches(wanted)
        )

    def _batches(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        for path in self._job.paths:
            source = self._archive.open(path)
            try:
                file = pq.ParquetFile(source)
                for group in range(file.num_row_groups):
                    found = self._group(file, group, names)
                    if found is not None:
                        yield from found.to_batches()
            finally:
                source.close()

    def _group(self, file: pq.ParquetFile, group: int, names: list[str]) -> pa.Table | None:
        first, last = _ends(file, group)
        start, end = self._job.start, self._job.end
        if (start is not None and last < start) or (end is not None and first >= end):
            return None
        needed = set(names) | ({LABEL} if self._job.only_labelled else set())
        cut = (start is not None and first < start) or (end is not None and last >= end)
        needed |= {ID} if cut else set()
        table = file.read_row_group(group, [n for n in file.schema_arrow.names if n in needed], use_threads=False)
        if cut:
            table = table.filter(_within(table.column(ID), start, end))
        if self._job.only_labelled:
            table = table.filter(pc.is_valid(table.column(LABEL)))
        schema = [self.schema.field(n) for n in names]
        columns: list[Any] = [
            table.column(f.name).cast(f.type) if f.name in table.column_names else pa.nulls(table.num_rows, f.type)
            for f in schema
        ]
        return pa.Table.from_arrays(columns, schema=pa.schema(schema))


def _counts(database: duckdb.DuckDBPyConnection, days: _Days) -> dict[int, int]:
    database.register("log", days.read([LEVEL]))
    rows = database.execute(f"SELECT {LEVEL}, count(*) FROM log GROUP BY {LEVEL}").fetchall()  # noqa: S608 - constants
    return {int(level): int(count) for level, count in rows}


def _lowest(counts: dict[int, int], most: int) -> int:
    """The lowest level that is needed for `most` records, going down as the collector goes."""
    found = 0
    for lowest, group in walk():
        found += sum(counts.get(level, 0) for level in group)
        if found >= most:
            return lowest
    return 0


def _thinned(table: pa.Table, most: int) -> pa.Table:
    """Of the group of levels where there are more than needed, those that the collector would have taken."""
    if table.num_rows <= most:
        return table
    ids = [bytes.fromhex(text.replace("-", "")) for text in table.column(ID).to_pylist()]
    own = levels(ids)
    chosen: list[bytes] = []
    for _, group in walk():
        some = [i for i, level in zip(ids, own, strict=True) if level in group]
        chosen += thin(some, most - len(chosen))
        if len(chosen) >= most:
            break
    kept = set(chosen)
    return table.filter(pa.array([i in kept for i in ids]))


def _ends(file: pq.ParquetFile, group: int) -> tuple[str, str]:
    """The first and the last id of a row group, from the file's footer."""
    place = file.schema_arrow.names.index(ID)
    statistics = file.metadata.row_group(group).column(place).statistics
    return statistics.min, statistics.max


def _within(ids: pa.ChunkedArray, start: str | None, end: str | None) -> Any:
    after = pc.greater_equal(ids, start or "")
    return after if end is None else pc.and_(after, pc.less(ids, end))
