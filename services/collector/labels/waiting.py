"""Labels that came before their record: judged when it is there, by the same rule as at the door.

One that is refused then becomes a dead letter. A label is looked at again after as long as it has waited, ten minutes
at most: a record that is a moment late costs a moment, and one that never comes next to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from pilothouse.errors import LabelError
from services.collector.labels.labels import LOCK, read_label
from services.collector.labels.owners import Owner, RecordOwners
from services.collector.labels.writing import Label, write_labels
from services.collector.metrics import CollectorMetrics
from services.collector.records.dead_letters import letter_row
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.registry import ModelRegistry
from services.collector.store.statements import insert_new
from services.collector.times import Clock, now_ms, to_iso

ROUND_SECONDS = 2.0
_SOONEST_MS, _LATEST_MS = 1_000, 600_000
_AT_ONCE = 2_000
_WAITING = tables.waiting_labels
_Judged = list[tuple[sa.Row[Any], Owner]]


class WaitingLabels:
    def __init__(
        self, database: Database, models: ModelRegistry, metrics: CollectorMetrics, clock: Clock = now_ms
    ) -> None:
        self._database, self._metrics, self._clock = database, metrics, clock
        self._owners = RecordOwners(database, models)

    async def round(self) -> None:
        """Judge every label that is due and whose record has come. Raises UnavailableError."""
        now = self._clock()
        while due := await self._due(now):
            owners = await self._owners.find({row.record_id for row in due})
            await self._judge([(row, owners[row.record_id]) for row in due if row.record_id in owners], now)
            await self._put_off([row for row in due if row.record_id not in owners], now)
        async with self._database.reading() as connection:
            number = sa.select(sa.func.count()).select_from(_WAITING)
            self._metrics.labels_waiting.set((await connection.execute(number)).scalar_one())

    async def _due(self, now: int) -> Sequence[sa.Row[Any]]:
        statement = sa.select(_WAITING).where(_WAITING.c.due_at <= now).order_by(_WAITING.c.due_at).limit(_AT_ONCE)
        async with self._database.reading() as connection:
            return (await connection.execute(statement)).all()

    async def _judge(self, found: _Judged, now: int) -> None:
        if not found:
            return
        adapter = self._database.adapter
        async with self._database.writing() as connection:
            await adapter.lock(connection, LOCK)
            taken = await connection.execute(
                sa.delete(_WAITING)
                .where(adapter.among(_WAITING.c.seq, [row.seq for row, _ in found]))
                .returning(_WAITING.c.seq)
            )
            mine = set(taken.scalars())  # another collector may have judged some meanwhile
            good, letters = _read([(row, owner) for row, owner in found if row.seq in mine], now)
            await write_labels(connection, adapter, good)
            if letters:
                await connection.execute(insert_new(connection, tables.dead_letters), letters)
        for letter in letters:
            self._metrics.labels.labels("rejected").inc()
            self._metrics.labels_rejected.labels(letter["model"], letter["version"], letter["code"]).inc()

    async def _put_off(self, rows: Sequence[sa.Row[Any]], now: int) -> None:
        if not rows:
            return
        adapter, moment = self._database.adapter, sa.literal(now, sa.BigInteger)
        waited = moment - _WAITING.c.received_at
        pause = sa.case((waited < _SOONEST_MS, _SOONEST_MS), (waited > _LATEST_MS, _LATEST_MS), else_=waited)
        these = adapter.among(_WAITING.c.seq, [row.seq for row in rows])
        async with self._database.writing() as connection:
            await adapter.lock(connection, LOCK)
            await connection.execute(sa.update(_WAITING).where(these).values(due_at=moment + pause))


def _read(found: _Judged, now: int) -> tuple[list[Label], list[dict[str, Any]]]:
    """Labels, in the order in which they came, and the dead letters of those that are none."""
    good, letters = [], []
    for row, owner in sorted(found, key=lambda pair: pair[0].seq):
        try:
            good.append(read_label(owner, row.record_id, row.label, row.at, row.received_at, timed=row.timed))
        except LabelError as error:
            body = {"record_id": str(row.record_id), "label": row.label, "at": to_iso(row.at)}
            letters.append(
                letter_row(
                    owner[0].key, error.code, f"label: {error}", json.dumps(body), now=now, record_id=str(row.record_id)
                )
            )
    return good, letters
