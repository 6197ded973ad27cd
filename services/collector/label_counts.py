"""How many records of a model version have ground truth, at a cost that does not grow with the log.

Few labels are counted, each by a look at its record's key. Beyond that the share of labelled records among those at
the upper levels of the sampling order (`pilothouse.sampling`: a simple random sample) is scaled up to all records; with
at least 2^14 of them the standard error is at most 0.4% of the records.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pilothouse.sampling import INDEXED_LEVEL
from services.collector import tables
from services.collector.adapter import Adapter
from services.collector.record_table import RecordTable

COUNTED = 50_000
_SAMPLE_BITS = 14


@dataclass(frozen=True, slots=True)
class LabelCount:
    labels: int
    estimated: bool


async def count_labels(
    connection: AsyncConnection,
    adapter: Adapter,
    table: RecordTable,
    *,
    records: int,
    span: tuple[uuid.UUID, uuid.UUID],
    counted: int = COUNTED,
    sample_bits: int = _SAMPLE_BITS,
) -> LabelCount:
    """`records` is how many the table has, `span` its first and last id; at most `counted` labels are counted."""
    identity = table.table.c.id
    label_id = sa.type_coerce(tables.labels.c.record_id, identity.type)
    within = label_id.between(*(adapter.native_id(end) for end in span))
    few = sa.select(tables.labels.c.record_id).where(within).limit(counted + 1).subquery()
    if await _number(connection, sa.select(sa.func.count()).select_from(few)) <= counted:
        mine = sa.select(sa.func.count()).select_from(tables.labels.join(table.table, label_id == identity))
        return LabelCount(await _number(connection, mine.where(within)), estimated=False)
    level = lowest_level(records, sample_bits)
    joined = table.table.outerjoin(tables.labels, label_id == identity)
    sample = sa.select(sa.func.count(), sa.func.count(tables.labels.c.record_id)).select_from(joined)
    if level:  # literal, with the partial index's own condition: SQLite would scan the table without it
        sample = sample.where(sa.text(f"{table.name}.level >= {INDEXED_LEVEL} AND {table.name}.level >= {level}"))
    seen, labelled = (await connection.execute(sample)).one()
    return LabelCount(round(records * labelled / seen) if seen else 0, estimated=level > 0)


def lowest_level(records: int, sample_bits: int = _SAMPLE_BITS) -> int:
    """The level from which on there are 2^sample_bits to twice as many records; 0, all, where no index would help."""
    level = max((records >> sample_bits).bit_length() - 1, 0)
    return level if level >= INDEXED_LEVEL else 0


async def _number(connection: AsyncConnection, statement: sa.Select[int]) -> int:
    return int((await connection.execute(statement)).scalar_one())
