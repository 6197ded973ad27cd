"""How much there is of each model version, and from when to when, at a cost that does not grow with the log.

Records are never counted: `record_days` says how many there are. Few labels are counted, each by a look at its record's
key. Beyond that the share of labelled records among those at the upper levels of the sampling order
(`pilothouse.sampling`: a simple random sample) is scaled up to all records. With at least 2^14 of them the standard
error is at most 0.4% of the records.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pilothouse.ids import time_ms
from pilothouse.sampling import INDEXED_LEVEL
from pilothouse.wire.models import ModelStats
from services.collector.errors import NotAnnouncedError
from services.collector.store import tables
from services.collector.store.adapter import Adapter
from services.collector.store.database import Database
from services.collector.store.record_table import RecordTable
from services.collector.store.registry import ModelRegistry
from services.collector.store.statements import of_model
from services.collector.times import to_iso

COUNTED = 50_000
_SAMPLE_BITS = 14


class StatsReader:
    def __init__(self, database: Database, models: ModelRegistry) -> None:
        self._database, self._models = database, models

    async def read(self, model: str | None = None) -> list[ModelStats]:
        """One entry for each model version: records, the times of the first and the last, and labels (estimated where
        there are very many)."""
        found = []
        for table in await self._models.tables(model):
            async with self._database.reading() as connection:
                found.append(await self._entry(connection, table))
        return sorted(found, key=lambda entry: (entry.model, entry.version))

    async def newest_version(self, model: str) -> RecordTable:
        """The version with the newest record, else the one announced last. Raises NotAnnouncedError."""
        versions = await self._models.tables(model)
        if not versions:
            raise NotAnnouncedError(model, None)
        if len(versions) == 1:
            return versions[0]
        async with self._database.reading() as connection:
            last = [await self._end(connection, table, newest=True) for table in versions]
        newest = max(range(len(versions)), key=lambda i: (last[i].int if (last[i]) else -1, -i))  # type: ignore[union-attr]
        return versions[newest]

    async def _entry(self, connection: AsyncConnection, table: RecordTable) -> ModelStats:
        days = tables.record_days.c
        own = of_model(days, *table.key)
        records = await connection.execute(sa.select(sa.func.coalesce(sa.func.sum(days.records), 0)).where(own))
        first = await self._end(connection, table, newest=False)
        last = await self._end(connection, table, newest=True)
        counted, labels = int(records.scalar_one()), LabelCount(0, estimated=False)
        if first is not None and last is not None:
            adapter = self._database.adapter
            labels = await count_labels(connection, adapter, table, records=counted, span=(first, last))
        return ModelStats(
            model=table.model,
            version=table.version,
            records=counted,
            first=None if first is None else to_iso(time_ms(first)),
            last=None if last is None else to_iso(time_ms(last)),
            labels=labels.labels,
            labels_estimated=labels.estimated,
        )

    async def _end(self, connection: AsyncConnection, table: RecordTable, *, newest: bool) -> uuid.UUID | None:
        identity = table.table.c.id
        statement = sa.select(identity).order_by(identity.desc() if newest else identity).limit(1)
        found = (await connection.execute(statement)).scalar_one_or_none()
        return None if found is None else uuid.UUID(bytes=self._database.adapter.to_canonical("id", [found])[0])


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
