"""Taking records in: checked, then one transaction for the whole request."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from pilothouse.serving.spans import Spans, timed
from pilothouse.wire.records import Batch, IngestResult, Rejected
from services.collector.errors import MissingDayError, TooLargeError, UnavailableError, printable
from services.collector.metrics import CollectorMetrics
from services.collector.records.batch import Checked, Refusal, check
from services.collector.records.dead_letters import letter_row
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.record_table import RecordTable
from services.collector.store.registry import ModelRegistry
from services.collector.store.statements import insert_new, insert_or_add
from services.collector.times import Clock, now_ms

PAYLOAD_LIMIT = 20_000  # characters of a refused record that are kept
_TEXT_KEPT = 500
_WAIT_SECONDS = 10.0

_COUNT_KEY = ("model", "version", "day")

Stored = dict[RecordTable, dict[int, int]]


class Ingest:
    """Works on a bounded number of requests at once. More wait a while, then are refused as UnavailableError."""

    def __init__(
        self,
        database: Database,
        models: ModelRegistry,
        metrics: CollectorMetrics,
        *,
        concurrency: int,
        max_rows: int,
        spans: Spans | None = None,
        clock: Clock = now_ms,
    ) -> None:
        self._spans = spans
        self._database, self._models, self._metrics = database, models, metrics
        self._slots = asyncio.Semaphore(concurrency)
        self._max_rows, self._clock = max_rows, clock

    async def store(self, batches: Sequence[Batch]) -> IngestResult:
        """Store what is new and set aside what is wrong.

        Raises NotAnnouncedError, TooLargeError or UnavailableError, with nothing stored.
        """
        rows = sum(len(b.rows) for b in batches)
        if rows > self._max_rows:
            raise TooLargeError(f"{rows} records in one request; at most {self._max_rows}")
        begun = time.perf_counter()
        try:
            await asyncio.wait_for(self._slots.acquire(), _WAIT_SECONDS)
        except TimeoutError:
            raise UnavailableError("too many requests of records at once") from None
        try:
            with timed(self._spans, "ingest", {"pilothouse.records": rows}):
                result = await self._store(batches)
        finally:
            self._slots.release()
        self._metrics.batch_seconds.observe(time.perf_counter() - begun)
        return result

    async def _store(self, batches: Sequence[Batch]) -> IngestResult:
        now = self._clock()
        known = [await self._models.table(b.model, b.version) for b in batches]
        checked = [check(batch, table, now) for batch, table in zip(batches, known, strict=True)]
        by_table = _merge(known, checked)
        letters = [
            _letter(batch, refusal, now)
            for batch, part in zip(batches, checked, strict=True)
            for refusal in part.refusals
        ]
        for table, part in by_table.items():
            await self._database.make_days(table, part.days)
        stored = await self._commit(by_table, letters)
        self._count(stored, by_table, now)
        for table, part in zip(known, checked, strict=True):
            for refusal in part.refusals:
                self._metrics.dead_lettered.labels(*table.key, refusal.code).inc()
        accepted = sum(sum(days.values()) for days in stored.values())
        sent = sum(len(part) for part in by_table.values())
        return IngestResult(accepted, sent - accepted, _rejected(batches, checked))

    async def _commit(self, by_table: dict[RecordTable, Checked], letters: list[dict[str, Any]]) -> Stored:
        """A day's partition can be dropped between making room and writing; then room is made once more."""
        try:
            return await self._write(by_table, letters)
        except MissingDayError:
            for table, part in by_table.items():
                self._database.adapter.forget_days(table)
                await self._database.make_days(table, part.days)
            return await self._write(by_table, letters)

    async def _write(self, by_table: dict[RecordTable, Checked], letters: list[dict[str, Any]]) -> Stored:
        """Tables, and the rows of their counts, in one order for everybody: no two requests can deadlock."""
        stored: Stored = {}
        async with self._database.writing() as connection:
            if letters:
                await connection.execute(insert_new(connection, tables.dead_letters), letters)
            for table in sorted(by_table, key=lambda t: t.name):
                stored[table] = await self._database.adapter.insert(connection, table, by_table[table].columns)
            await _add_counts(connection, stored)
        return stored

    def _count(self, stored: Stored, by_table: dict[RecordTable, Checked], now: int) -> None:
        for table, part in by_table.items():
            accepted = sum(stored[table].values())
            self._metrics.ingested.labels(*table.key).inc(accepted)
            self._metrics.duplicates.labels(*table.key).inc(len(part) - accepted)
            self._metrics.lag_seconds.labels(*table.key).observe(max(0, now - min(part.columns[1])) / 1000)


async def _add_counts(connection: AsyncConnection, stored: Stored) -> None:
    rows = [
        {"model": table.model, "version": table.version, "day": day, "records": records}
        for table, days in stored.items()
        for day, records in sorted(days.items())
        if records
    ]
    if rows:
        await connection.execute(insert_or_add(connection, tables.record_days, _COUNT_KEY, "records"), rows)


def _merge(known: Sequence[RecordTable], checked: Sequence[Checked]) -> dict[RecordTable, Checked]:
    """One part for each table that has rows to store."""
    by_table: dict[RecordTable, Checked] = {}
    for table, part in zip(known, checked, strict=True):
        if not len(part):
            continue
        if table in by_table:
            by_table[table] = Checked([a + b for a, b in zip(by_table[table].columns, part.columns, strict=True)], [])
        else:
            by_table[table] = part
    return by_table


def _letter(batch: Batch, refusal: Refusal, now: int) -> dict[str, Any]:
    """A refused record as a row of the dead letters: JSON with everything but ASCII escaped."""
    row = batch.rows[refusal.row]
    record = dict(zip(batch.columns, row, strict=False)) if len(row) == len(batch.columns) else {"row": row}
    payload = _dump(record)
    record_id = _shown_id(batch, refusal.row)
    return letter_row(
        (batch.model, batch.version), refusal.code, refusal.message, payload, now=now, record_id=record_id
    )


def _rejected(batches: Sequence[Batch], checked: Sequence[Checked]) -> list[Rejected]:
    return [
        Rejected(_shown_id(batch, r.row), position, r.row, r.code, printable(r.message, 1000))
        for position, (batch, part) in enumerate(zip(batches, checked, strict=True))
        for r in part.refusals
    ]


def _shown_id(batch: Batch, row: int) -> str | None:
    values = batch.rows[row]
    place = batch.columns.index("id") if "id" in batch.columns else len(values)
    value = values[place] if place < len(values) else None
    if isinstance(value, bytes) and len(value) == 16:
        return str(uuid.UUID(bytes=value))
    return printable(value, 60) if isinstance(value, str) else None


def _dump(record: dict[str, Any]) -> str:
    try:
        text = json.dumps({k: _short(v) for k, v in record.items()}, default=_readable, ensure_ascii=True)
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits, lists a thousand deep
        return json.dumps({"unreadable": type(error).__name__, "columns": list(record)}, ensure_ascii=True)
    return text if len(text) <= PAYLOAD_LIMIT else json.dumps({"cut": text[: PAYLOAD_LIMIT // 2]})


def _short(value: Any) -> Any:
    return f"{value[:_TEXT_KEPT]}..." if isinstance(value, str) and len(value) > _TEXT_KEPT else value


def _readable(value: Any) -> str:
    return value[:_TEXT_KEPT].hex() if isinstance(value, bytes) else type(value).__name__
