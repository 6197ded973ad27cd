"""The collector's records and, of days that its database has dropped, the archive's: one window from both."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import httpx2
import numpy as np
import pyarrow as pa

from pilothouse.ids import floor_id
from services.drift.archive.reader import ArchiveReader, SampleJob
from services.drift.collector import DroppedDay, HttpRecords
from services.drift.records import Rows
from services.drift.window import SCORED_ROWS, Window

DAY_MS = 86_400_000


class ArchivedRecords(HttpRecords):
    """Which days those are the collector says, in one small answer for each window of time; the newest N rows are the
    database's, whatever they are."""

    def __init__(
        self,
        url: str,
        api_key: str | None,
        timeout_seconds: float,
        identity: httpx2.Auth | None = None,
        *,
        reader: ArchiveReader,
    ) -> None:
        super().__init__(url, api_key, timeout_seconds, identity)
        self._reader = reader

    async def newest(self, model: str, version: str) -> str | None:
        """Where the database has dropped everything, the last id that the newest day in the archive can have."""
        found = await super().newest(model, version)
        if found is not None:
            return found
        days = await self.dropped_days(model, version)
        return str(uuid.UUID(int=floor_id(days[-1].end_ms).int - 1)) if days else None

    async def read(
        self,
        model: str,
        version: str,
        window: Window,
        columns: Sequence[str],
        *,
        with_labels: bool = False,
        only_labelled: bool = False,
        most: int = SCORED_ROWS,
    ) -> Rows:
        days = [] if window.rows is not None else within(await self.dropped_days(model, version), window)
        later = window if not days else after(days, window)
        recent: Rows | None = None
        if later is not None:
            recent = await super().read(
                model, version, later, columns, with_labels=with_labels, only_labelled=only_labelled, most=most
            )
        if not days:
            return recent or Rows(pa.table({}), 0)
        job = SampleJob(
            address=self._reader.address,
            paths=[day.path for day in days],
            columns=[*columns, *(["label"] if with_labels else [])],
            most=most,
            start=_text(window.start_ms),
            end=_text(window.end_ms),
            only_labelled=only_labelled,
        )
        archived = await self._reader.read(job)
        return archived if recent is None else combined(archived, recent, most)


def within(days: Sequence[DroppedDay], window: Window) -> list[DroppedDay]:
    """The days that have something of the window, in order."""
    start, end = window.start_ms or 0, window.end_ms
    return [day for day in days if day.end_ms > start and (end is None or day.start_ms < end)]


def after(days: Sequence[DroppedDay], window: Window) -> Window | None:
    """What of the window the database has: from its first day on that is not among those dropped."""
    dropped = {day.start_ms for day in days}
    start = days[0].start_ms if window.start_ms is None else window.start_ms
    while start // DAY_MS * DAY_MS in dropped:
        start = start // DAY_MS * DAY_MS + DAY_MS
    if window.end_ms is not None and start >= window.end_ms:
        return None
    return Window(start_ms=start, end_ms=window.end_ms)


def combined(archived: Rows, recent: Rows, most: int) -> Rows:
    """Both, each record once; where that is too many, a share of each as large as its share of the window.

    Each part is a simple random sample, and so is a random choice of it: together they are unbiased, stratified by
    time.
    """
    if not recent.table.num_rows:
        return archived
    new = recent.table
    if set(new.column("id").to_pylist()) & (known := set(archived.table.column("id").to_pylist())):
        new = new.filter(pa.array([i not in known for i in new.column("id").to_pylist()]))
    total = archived.window_rows + recent.window_rows
    parts = [(archived.table, archived.window_rows), (new, recent.window_rows)]
    if sum(table.num_rows for table, _ in parts) > most:
        parts = [(_some(table, round(most * rows / total)), rows) for table, rows in parts]
    return Rows(pa.concat_tables([table for table, _ in parts], promote_options="default"), total)


def _some(table: pa.Table, rows: int) -> pa.Table:
    """The same ones each time, in order."""
    if table.num_rows <= rows:
        return table
    return table.take(np.sort(np.random.default_rng(0).choice(table.num_rows, rows, replace=False)))


def _text(moment_ms: int | None) -> str | None:
    return None if moment_ms is None else str(floor_id(moment_ms))
