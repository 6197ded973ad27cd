"""Ground truth at the door: late, in any order, repeated, and for records that are not there yet.

A label is judged by the model that made its record: what is stored is one of its classes, or a number. A label whose
record is not there yet is kept, and judged when it comes (`waiting.py`).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from pilothouse.errors import LabelError
from pilothouse.ids import time_ms
from pilothouse.tasks.labels import label_text
from pilothouse.wire.labels import GivenLabel, LabelHistory, LabelResult, RefusedLabel
from services.collector.errors import TooLargeError
from services.collector.labels.items import SKIPPED, LabelItem, read_item, shown_id
from services.collector.labels.owners import Owner, RecordOwners
from services.collector.labels.writing import Label, keep_waiting, write_labels
from services.collector.metrics import CollectorMetrics
from services.collector.records.checks import RefusedValueError
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.registry import ModelRegistry
from services.collector.times import DAY_MS, Clock, now_ms, to_iso

NOBODY = ("", "")  # the model of a label that names no record
LOCK = "labels"


class Labels:
    """`retention_days`: a record that is older is gone, and no label can be of it; 0 for none."""

    def __init__(
        self,
        database: Database,
        models: ModelRegistry,
        metrics: CollectorMetrics,
        *,
        max_rows: int,
        retention_days: int = 0,
        clock: Clock = now_ms,
    ) -> None:
        self._database, self._metrics = database, metrics
        self._owners = RecordOwners(database, models)
        self._max_rows, self._retention_days, self._clock = max_rows, retention_days, clock

    async def store(self, items: Sequence[Any]) -> LabelResult:
        """Store labels as they came over the wire (`record_id`, `label`, perhaps `at`), each judged by itself.

        Raises TooLargeError or UnavailableError, with nothing stored.
        """
        if len(items) > self._max_rows:
            raise TooLargeError(f"{len(items)} labels in one request; at most {self._max_rows}")
        door = _Door(items, self._clock(), self._retention_days)
        owners = await self._owners.find({given.record_id for given in door.given})
        door.judge(owners)
        async with self._database.writing() as connection:
            adapter = self._database.adapter
            await adapter.lock(connection, LOCK)
            written = await write_labels(connection, adapter, door.good)
            kept = await keep_waiting(connection, adapter, door.waiting, door.now)
        unchanged = written.unchanged + kept.unchanged
        replaced = written.replaced + kept.replaced
        result = LabelResult(written.stored + kept.stored, unchanged, door.refused, replaced, kept.stored, door.skipped)
        self._count(result, door)
        return result

    def _count(self, result: LabelResult, door: _Door) -> None:
        for outcome, count in (
            ("accepted", result.accepted), ("unchanged", result.unchanged), ("rejected", len(result.rejected)),
        ):  # fmt: skip
            self._metrics.labels.labels(outcome).inc(count)
        for refused, key in zip(door.refused, door.refused_keys, strict=True):
            self._metrics.labels_rejected.labels(*key, refused.code).inc()

    async def history(self, record_id: uuid.UUID) -> LabelHistory:
        """Every label of a record, in the order they came; last those that wait for the record."""
        history, waiting = tables.label_history.c, tables.waiting_labels.c
        async with self._database.reading() as connection:
            judged = await connection.execute(
                sa.select(tables.label_history).where(history.record_id == record_id).order_by(history.seq)
            )
            labels = [GivenLabel(r.label, to_iso(r.at), to_iso(r.received_at), r.value) for r in judged]
            kept = await connection.execute(
                sa.select(tables.waiting_labels).where(waiting.record_id == record_id).order_by(waiting.seq)
            )
            labels += [GivenLabel(r.label, to_iso(r.at), to_iso(r.received_at), waiting=True) for r in kept]
        return LabelHistory(str(record_id), labels)


class _Door:
    """One request: what can be stored of it, what has to wait, and what is refused."""

    def __init__(self, items: Sequence[Any], now: int, retention_days: int) -> None:
        self.now, self._retention_days = now, retention_days
        self.given: list[LabelItem] = []
        self.good: list[Label] = []
        self.waiting: list[Label] = []
        self.refused: list[RefusedLabel] = []
        self.refused_keys: list[tuple[str, str]] = []
        self._items, self.skipped = items, 0
        for index, item in enumerate(items):
            if item is SKIPPED:
                self.skipped += 1
                continue
            try:
                self.given.append(read_item(index, item, now))
            except RefusedValueError as error:
                self._refuse(index, NOBODY, error)

    def judge(self, owners: dict[uuid.UUID, Owner]) -> None:
        """Read each label as its model has it."""
        for given in self.given:
            owner = owners.get(given.record_id)
            try:
                self._take(given, owner)
            except (LabelError, RefusedValueError) as error:
                self._refuse(given.place, NOBODY if owner is None else owner[0].key, error)
        order = sorted(range(len(self.refused)), key=lambda place: self.refused[place].index)
        self.refused = [self.refused[place] for place in order]
        self.refused_keys = [self.refused_keys[place] for place in order]

    def _take(self, given: LabelItem, owner: Owner | None) -> None:
        at, timed = (self.now, False) if given.at is None else (given.at, True)
        if owner is not None:
            self.good.append(read_label(owner, given.record_id, given.label, at, self.now, timed=timed))
            return
        oldest = self.now // DAY_MS - self._retention_days
        if self._retention_days and time_ms(given.record_id) // DAY_MS < oldest:
            raise RefusedValueError("expired", f"records are kept for {self._retention_days} days; this one is older")
        self.waiting.append(Label(given.record_id, label_text(given.label), None, at, self.now, timed))

    def _refuse(self, index: int, key: tuple[str, str], error: LabelError | RefusedValueError) -> None:
        message = f"label: {error}" if isinstance(error, LabelError) else str(error)
        self.refused.append(RefusedLabel(index, shown_id(self._items[index]), error.code, message))
        self.refused_keys.append(key)


def read_label(owner: Owner, record_id: uuid.UUID, given: Any, at: int, received_at: int, *, timed: bool) -> Label:
    """A label as the record's model has it. Raises LabelError."""
    read = owner[1](given)
    if isinstance(read, str):
        return Label(record_id, read, None, at, received_at, timed)
    text = label_text(read) if abs(read) < 2**53 else repr(read)
    return Label(record_id, text, read, at, received_at, timed)
