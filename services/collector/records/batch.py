"""A batch checked against its model version's columns: what goes in, and what is set aside with the reason."""

from __future__ import annotations

import re
import struct
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pilothouse import sampling
from pilothouse.columns import Column
from pilothouse.wire.records import Batch
from services.collector.errors import printable
from services.collector.records.checks import RefusedValueError, check_column
from services.collector.store.record_table import RecordTable
from services.collector.times import DAY_MS

EARLIEST_ID_MS = 946_684_800_000  # 2000-01-01: an id from before has a broken clock behind it
FUTURE_MS = DAY_MS
DAYS_LIMIT = 400  # a batch may not make the database set up thousands of daily partitions
_VERSION, _VARIANT = 7, 0b10
_CANONICAL = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row was set aside; `row` is its place in the batch."""

    row: int
    code: str
    message: str


@dataclass(slots=True)
class Checked:
    """Rows that may be stored, by column, in the order of the table's columns: `id` (16 bytes), `at`, `level`, ..."""

    columns: list[list[Any]]
    refusals: list[Refusal]

    def __len__(self) -> int:
        return len(self.columns[0])

    @property
    def days(self) -> set[int]:
        return {at // DAY_MS for at in self.columns[1]}


class _Faults:
    """Collects what is wrong with each row; the first fault gives the code, all of them the message."""

    def __init__(self) -> None:
        self._faults: dict[int, list[tuple[str, str]]] = {}

    def add(self, row: int, code: str, message: str) -> None:
        self._faults.setdefault(row, []).append((code, message))

    def __contains__(self, row: int) -> bool:
        return row in self._faults

    def __bool__(self) -> bool:
        return bool(self._faults)

    def refusals(self) -> list[Refusal]:
        return [
            Refusal(row, faults[0][0], "; ".join(message for _, message in faults[:5]))
            for row, faults in sorted(self._faults.items())
        ]


def check(batch: Batch, table: RecordTable, now_ms: int) -> Checked:
    """Check every row of `batch`; one that is wrong does not touch the others."""
    fault = _check_names(batch.columns, table.columns)
    if fault:
        return Checked([[] for _ in table.names], [Refusal(row, *fault) for row in range(len(batch.rows))])
    width = len(batch.columns)
    faults = _Faults()
    rows: list[list[Any]] = batch.rows
    if set(map(len, rows)) - {width}:
        rows = _square(rows, width, faults)
    sent = dict(zip(batch.columns, zip(*rows, strict=True), strict=True)) if rows else {}
    ids, times = _check_ids(sent.get("id", ()), now_ms, faults)
    columns: list[list[Any]] = [ids, times, []]
    for column in table.columns:
        if column.name in sent:
            kept, refused = check_column(column, sent[column.name])
            for row, error in refused.items():
                faults.add(row, error.code, f"{column.name}: {error}")
        else:
            kept = [None] * len(rows)
        columns.append(kept)
    if faults:
        columns = [[v for row, v in enumerate(c) if row not in faults] for c in columns]
    columns[2] = sampling.levels(columns[0])
    return Checked(columns, faults.refusals())


def _check_names(sent: Sequence[str], columns: Sequence[Column]) -> tuple[str, str] | None:
    """Every column that the model's log has must be named, but for those about the call itself."""
    known = {c.name for c in columns} | {"id"}
    needed = {c.name for c in columns if c.role != "meta"} | {"id"}
    unknown = sorted({printable(name, 60) for name in sent if name not in known})
    if unknown:
        return "unknown_column", f"{', '.join(unknown[:5])}: the log of this model version has no such column"
    missing = sorted(needed - set(sent))
    if missing:
        return "missing_column", f"{', '.join(missing[:5])}: missing; null says that a value is not there"
    twice = [name for name, count in Counter(sent).items() if count > 1]
    return ("repeated_column", f"{printable(twice[0], 60)}: named twice") if twice else None


def _square(rows: list[list[Any]], width: int, faults: _Faults) -> list[list[Any]]:
    squared = []
    for position, row in enumerate(rows):
        if len(row) != width:
            faults.add(position, "row_length", f"the row has {len(row)} values for {width} columns")
            row = [None] * width  # noqa: PLW2901 - the row is set aside; this keeps the columns equally long
        squared.append(row)
    return squared


def _check_ids(values: Sequence[Any], now_ms: int, faults: _Faults) -> tuple[list[Any], list[int]]:
    """Ids as 16 bytes, and their times. A refused one stands there as the nil UUID until its row is dropped."""
    ids: list[bytes] = []
    for row, value in enumerate(values):
        if type(value) is bytes and len(value) == 16:
            ids.append(value)
            continue
        ids.append(bytes(16))
        if row not in faults:
            try:
                ids[row] = _parse_id(value)
            except RefusedValueError as error:
                faults.add(row, error.code, f"id: {error}")
    octets = b"".join(ids)
    times = [high >> 16 for (high,) in struct.iter_unpack(">Q8x", octets)]
    latest = now_ms + FUTURE_MS
    if ids and not _are_healthy(octets, times, latest):
        _mark_bad_ids(ids, times, latest, faults)
    return ids, times


def _are_healthy(octets: bytes, times: list[int], latest: int) -> bool:
    """A quick test of all ids together, for what `_mark_bad_ids` looks for one by one."""
    first, last = min(times), max(times)
    return (
        {octet >> 4 for octet in set(octets[6::16])} == {_VERSION}
        and {octet >> 6 for octet in set(octets[8::16])} == {_VARIANT}
        and first >= EARLIEST_ID_MS
        and last <= latest
        and last // DAY_MS - first // DAY_MS < DAYS_LIMIT
    )


def _mark_bad_ids(ids: list[bytes], times: list[int], latest: int, faults: _Faults) -> None:
    good: list[int] = []
    for row, (octets, at) in enumerate(zip(ids, times, strict=True)):
        if octets[6] >> 4 != _VERSION or octets[8] >> 6 != _VARIANT:
            if row not in faults:
                faults.add(row, "not_uuid7", "id: must be a UUIDv7 (RFC 9562)")
        elif not EARLIEST_ID_MS <= at <= latest:
            when = "before the year 2000" if at < EARLIEST_ID_MS else "more than a day in the future"
            faults.add(row, "absurd_time", f"id: its time is {when}")
        else:
            good.append(row)
    days = sorted({times[row] // DAY_MS for row in good})
    if len(days) > DAYS_LIMIT:
        for row in good:
            if times[row] // DAY_MS < days[-DAYS_LIMIT]:
                faults.add(row, "too_many_days", f"id: the batch has records of more than {DAYS_LIMIT} days")


def _parse_id(value: Any) -> bytes:
    if isinstance(value, str) and _CANONICAL.fullmatch(value):
        return uuid.UUID(value).bytes
    raise RefusedValueError("not_uuid7", "must be a UUIDv7 (16 bytes, or its canonical text)")
