"""Ground truth: late, in any order, repeated, and for records that are not there yet.

The label with the latest `at` counts, and of several with the same `at` the one that came last; every one is kept in
the history. A label is text; where the text is a number, its value is kept beside it, for regressions.
"""

from __future__ import annotations

import csv
import io
import math
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pilothouse.errors import Fault
from pilothouse.ids import is_uuid7, time_ms
from pilothouse.wire.labels import GivenLabel, LabelHistory, LabelResult, RefusedLabel
from services.collector.errors import MalformedError, TooLargeError, printable
from services.collector.metrics import CollectorMetrics
from services.collector.records.checks import RefusedValueError, check_text, check_time
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.statements import insert_or_add, insert_or_update
from services.collector.times import DAY_MS, Clock, now_ms, to_iso

LABEL_LIMIT = 200
_INT64 = 2**63


class Label(NamedTuple):
    """`value` is the label as a number, where it is one; `at` in milliseconds since the epoch."""

    record_id: uuid.UUID
    label: str
    value: float | None
    at: int


class Labels:
    def __init__(self, database: Database, metrics: CollectorMetrics, *, max_rows: int, clock: Clock = now_ms) -> None:
        self._database, self._metrics = database, metrics
        self._max_rows, self._clock = max_rows, clock

    async def store(self, items: Sequence[Any]) -> LabelResult:
        """Store labels as they came over the wire (`record_id`, `label`, perhaps `at`), each judged by itself."""
        if len(items) > self._max_rows:
            raise TooLargeError(f"{len(items)} labels in one request; at most {self._max_rows}")
        now = self._clock()
        good: list[Label] = []
        refused: list[RefusedLabel] = []
        for index, item in enumerate(items):
            try:
                good.append(read_label(item, now))
            except RefusedValueError as error:
                refused.append(RefusedLabel(index, _shown_id(item), error.code, str(error)))
        accepted = await self._write(good, now) if good else 0
        result = LabelResult(accepted, len(good) - accepted, refused)
        for outcome, count in (("accepted", accepted), ("unchanged", result.unchanged), ("rejected", len(refused))):
            self._metrics.labels.labels(outcome).inc(count)
        return result

    async def history(self, record_id: uuid.UUID) -> LabelHistory:
        """Every label of a record, in the order they came."""
        history = tables.label_history.c
        statement = sa.select(tables.label_history).where(history.record_id == record_id).order_by(history.seq)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        labels = [GivenLabel(row.label, to_iso(row.at), to_iso(row.received_at), row.value) for row in rows]
        return LabelHistory(str(record_id), labels)

    async def _write(self, labels: list[Label], now: int) -> int:
        async with self._database.writing() as connection:
            await self._database.adapter.lock(connection, "labels")
            known = await self._known(connection, {label.record_id for label in labels})
            fresh = list(_without_repeats(labels, known))
            if not fresh:
                return 0
            fresh.sort(key=lambda label: label.at)
            rows: list[dict[str, Any]] = [label._asdict() for label in fresh]
            await connection.execute(sa.insert(tables.label_history), [r | {"received_at": now} for r in rows])
            newest = {row["record_id"]: row for row in rows}
            statement = insert_or_update(connection, tables.labels, ["record_id"], ["label", "value", "at"], _is_newer)
            await connection.execute(statement, list(newest.values()))
            await _count_changes(connection, fresh)
        return len(fresh)

    async def _known(self, connection: Any, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[str, int]]:
        """The labels that count now, of those records."""
        known: dict[uuid.UUID, tuple[str, int]] = {}
        column = tables.labels.c.record_id
        wanted = list(ids)
        for start in range(0, len(wanted), 1000):
            among = self._database.adapter.among(column, wanted[start : start + 1000])
            for row in await connection.execute(sa.select(tables.labels).where(among)):
                known[row.record_id] = (row.label, row.at)
        return known


def _is_newer(new: Any) -> sa.ColumnElement[bool]:
    newer: sa.ColumnElement[bool] = new.at >= tables.labels.c.at
    return newer


async def _count_changes(connection: AsyncConnection, labels: Iterable[Label]) -> None:
    """By day of the record, for the archive, which then has to write that day again."""
    days = Counter(time_ms(label.record_id) // DAY_MS for label in labels)
    rows = [{"day": day, "changes": changes} for day, changes in sorted(days.items())]
    await connection.execute(insert_or_add(connection, tables.label_days, ["day"], "changes"), rows)


def read_label(item: Any, now: int) -> Label:
    """Raises RefusedValueError, whose message names the field."""
    if not isinstance(item, dict):
        raise RefusedValueError("type", "must be an object with `record_id` and `label`")
    unknown = sorted(printable(str(key), 40) for key in item.keys() - {"record_id", "label", "at"})
    if unknown:
        raise RefusedValueError("unknown_field", f"{unknown[0]}: no such field; there are record_id, label and at")
    return Label(_read_id(item.get("record_id")), *_read_label(item.get("label")), _read_at(item.get("at"), now))


def _read_id(value: Any) -> uuid.UUID:
    try:
        record_id = uuid.UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        record_id = None
    if record_id is None or not is_uuid7(record_id):
        raise RefusedValueError("not_uuid7", "record_id: must be the UUIDv7 of a prediction")
    return record_id


def _read_label(value: Any) -> tuple[str, float | None]:
    if isinstance(value, bool):
        return str(value).lower(), None
    if isinstance(value, int | float):
        if not math.isfinite(value) or (isinstance(value, int) and abs(value) >= _INT64):
            raise RefusedValueError("not_finite", "label: must be a finite number that fits 64 bits")
        return (str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(value)), float(value)
    try:
        text = check_text(value)
    except RefusedValueError as error:
        raise RefusedValueError(error.code, f"label: {error}") from None
    if not 0 < len(text) <= LABEL_LIMIT:
        raise RefusedValueError("length", f"label: must have 1 to {LABEL_LIMIT} characters")
    return text, _number(text)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _read_at(value: Any, now: int) -> int:
    try:
        return now if value is None or value == "" else check_time(value)
    except RefusedValueError as error:
        raise RefusedValueError(error.code, f"at: {error}") from None


def read_csv(body: bytes) -> list[dict[str, str]]:
    """Labels from a CSV file with a header of `record_id`, `label` and perhaps `at`. Raises MalformedError."""
    try:
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        names = set(reader.fieldnames or ())
        if not {"record_id", "label"} <= names <= {"record_id", "label", "at"}:
            raise MalformedError(Fault("", "header", "the first line must name record_id, label and perhaps at"))
        return [{key: value for key, value in row.items() if key in names} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise MalformedError(Fault("", "malformed", f"not a CSV file in UTF-8: {printable(str(error))}")) from None


def _without_repeats(labels: list[Label], known: dict[uuid.UUID, tuple[str, int]]) -> Iterable[Label]:
    """What a sender that tries again has sent already is dropped: the same label with the same time."""
    current = dict(known)
    for label in labels:
        if current.get(label.record_id) != (label.label, label.at):
            current[label.record_id] = (label.label, label.at)
            yield label


def _shown_id(item: Any) -> str | None:
    value = item.get("record_id") if isinstance(item, dict) else None
    return printable(value, 60) if isinstance(value, str) else None
