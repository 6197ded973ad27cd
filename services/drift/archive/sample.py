"""A sample of archived days, from Parquet files that are read a row group at a time.

Imported by the process that draws it and by nobody else: what it loads ends with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pilothouse.archive import Archive, open_archive
from pilothouse.sampling import TOP_LEVEL, levels, thin, walk
from services.drift.archive.reader import SampleJob
from services.drift.records import LABEL

LEVEL, ID = "level", "id"


def draw(job: SampleJob) -> tuple[pa.Table, int]:
    """The records that a collector would have answered with, by id, and how many the window has.

    Levels are counted first, from that one column; then the records of the levels that a sample needs are read.
    """
    days = _ArchivedRows(open_archive(job.address), job)
    counts = np.zeros(TOP_LEVEL + 1, np.int64)
    for table in days.tables([LEVEL]):
        counts += np.bincount(table.column(LEVEL).to_numpy(), minlength=len(counts))
    lowest = _lowest(counts, job.most)
    names = [n for n in dict.fromkeys([ID, *job.columns]) if n in days.schema.names]
    needed = [table.filter(pc.greater_equal(table.column(LEVEL), lowest)) for table in days.tables([*names, LEVEL])]
    schema = pa.schema([days.schema.field(name) for name in names])
    found = pa.concat_tables([schema.empty_table(), *(table.select(names) for table in needed)]).sort_by(ID)
    return _thinned(found, job.most), int(counts.sum())


class _ArchivedRows:
    """Row groups of the files that have something of the window, cut to it."""

    def __init__(self, archive: Archive, job: SampleJob) -> None:
        self._archive, self._job = archive, job
        self.schema: pa.Schema = pq.read_schema(archive.open(job.paths[-1]))

    def tables(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """These columns of the window's records, a row group in memory at a time."""
        for path in self._job.paths:
            with contextlib.closing(self._archive.open(path)) as source:
                file = pq.ParquetFile(source)
                for group in range(file.num_row_groups):
                    found = self._group(file, group, names)
                    if found is not None:
                        yield found

    def _group(self, file: pq.ParquetFile, group: int, names: Sequence[str]) -> pa.Table | None:
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


def _lowest(counts: NDArray[np.int64], most: int) -> int:
    """The lowest level that is needed for `most` records, going down as the collector goes."""
    found = 0
    for lowest, group in walk():
        found += int(counts[list(group)].sum())
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
    position = file.schema_arrow.names.index(ID)
    statistics = file.metadata.row_group(group).column(position).statistics
    return statistics.min, statistics.max


def _within(ids: pa.ChunkedArray, start: str | None, end: str | None) -> Any:
    after = pc.greater_equal(ids, start or "")
    return after if end is None else pc.and_(after, pc.less(ids, end))
