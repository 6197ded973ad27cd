"""Labels in the database: the one that counts, every one that came, and those that wait for their record.

The label with the latest `at` counts, and of several with the same `at` the one that came last.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pilothouse.ids import time_ms
from services.collector.store import tables
from services.collector.store.adapter import Adapter
from services.collector.store.statements import insert_into, insert_or_add, insert_or_update
from services.collector.times import DAY_MS

_WAITING = tables.waiting_labels
_AT_ONCE = 5_000


class Label(NamedTuple):
    """`value` is the label of a regression as a number; `at` and `received_at` in milliseconds since the epoch.
    `timed`: somebody said `at`, so that the same label at another time is news."""

    record_id: uuid.UUID
    label: str
    value: float | None
    at: int
    received_at: int
    timed: bool


@dataclass(frozen=True, slots=True)
class Written:
    """How many labels were stored, how many of them in place of another one, and how many were there already."""

    stored: int
    replaced: int
    unchanged: int


_Current = dict[uuid.UUID, tuple[str, int]]


async def write_labels(connection: AsyncConnection, adapter: Adapter, labels: list[Label]) -> Written:
    """Store what is new. The caller holds the lock `labels`."""
    if not labels:
        return Written(0, 0, 0)
    known = await _known(connection, adapter, tables.labels, {label.record_id for label in labels})
    fresh, replaced = _news(labels, known)
    if fresh:
        rows = [_row(label) for label in sorted(fresh, key=lambda label: label.at)]
        await adapter.insert_rows(connection, insert_into(connection, tables.label_history), rows)
        newest = {row["record_id"]: {name: row[name] for name in _COUNTING} for row in rows}
        counting = insert_or_update(connection, tables.labels, ["record_id"], ["label", "value", "at"], _is_newer)
        await adapter.insert_rows(connection, counting, list(newest.values()))
        await _count_changes(connection, fresh)
    return Written(len(fresh), replaced, len(labels) - len(fresh))


async def keep_waiting(connection: AsyncConnection, adapter: Adapter, labels: list[Label], due_at: int) -> Written:
    """Keep labels, as text, until their records are there. The caller holds the lock `labels`."""
    if not labels:
        return Written(0, 0, 0)
    known = await _known(connection, adapter, _WAITING, {label.record_id for label in labels})
    fresh, replaced = _news(labels, known)
    rows = [_row(label, without="value") | {"timed": label.timed, "due_at": due_at} for label in fresh]
    if rows:
        await adapter.insert_rows(connection, insert_into(connection, _WAITING), rows)
    return Written(len(fresh), replaced, len(labels) - len(fresh))


_COUNTING = ("record_id", "label", "value", "at")


def _row(label: Label, without: str = "") -> dict[str, Any]:
    return {name: value for name, value in label._asdict().items() if name not in ("timed", without)}


def _is_newer(new: Any) -> sa.ColumnElement[bool]:
    newer: sa.ColumnElement[bool] = new.at >= tables.labels.c.at
    return newer


async def _known(
    connection: AsyncConnection, adapter: Adapter, table: sa.Table, ids: Collection[uuid.UUID]
) -> _Current:
    """The labels that count now, of those records."""
    known: _Current = {}
    columns = table.c
    wanted = sorted(ids)
    for start in range(0, len(wanted), _AT_ONCE):
        among = adapter.among(columns.record_id, wanted[start : start + _AT_ONCE])
        statement = sa.select(columns.record_id, columns.label, columns.at).where(among).order_by(columns.at)
        for record_id, label, at in await connection.execute(statement):
            known[record_id] = (label, at)
    return known


def _news(labels: Iterable[Label], known: _Current) -> tuple[list[Label], int]:
    """Labels that say something new, and how many of them are in place of another one.

    What a sender that tries again has sent already is no news: the same label with the same time, or with no time.
    """
    current, fresh, replaced = dict(known), [], 0
    for label in labels:
        before = current.get(label.record_id)
        same = before is not None and before[0] == label.label
        if before is None or not same or (label.timed and before[1] != label.at):
            fresh.append(label)
            replaced += before is not None and not same and label.at >= before[1]
            current[label.record_id] = (label.label, label.at)
    return fresh, replaced


async def _count_changes(connection: AsyncConnection, labels: Iterable[Label]) -> None:
    """By day of the record, for the archive, which then has to write that day again."""
    days = Counter(time_ms(label.record_id) // DAY_MS for label in labels)
    rows = [{"day": day, "changes": changes} for day, changes in sorted(days.items())]
    await connection.execute(insert_or_add(connection, tables.label_days, ["day"], "changes"), rows)
