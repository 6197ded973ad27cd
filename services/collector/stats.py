"""How much there is of each model version, and from when to when; never by counting the records."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pilothouse.ids import time_ms
from pilothouse.wire.models import ModelStats
from services.collector import tables
from services.collector.catalog import Catalog
from services.collector.database import Database
from services.collector.errors import UnknownModelError
from services.collector.label_counts import LabelCount, count_labels
from services.collector.moment import to_iso
from services.collector.record_table import RecordTable


class StatsReader:
    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database, self._catalog = database, catalog

    async def read(self, model: str | None = None) -> list[ModelStats]:
        """One entry for each model version: records, the times of the first and the last, and labels (estimated where
        there are very many)."""
        found = []
        for table in await self._catalog.tables(model):
            async with self._database.reading() as connection:
                found.append(await self._entry(connection, table))
        return sorted(found, key=lambda entry: (entry.model, entry.version))

    async def newest_version(self, model: str) -> RecordTable:
        """The version with the newest record, else the one announced last. Raises UnknownModelError."""
        versions = await self._catalog.tables(model)
        if not versions:
            raise UnknownModelError(model, None)
        if len(versions) == 1:
            return versions[0]
        async with self._database.reading() as connection:
            last = [await self._end(connection, table, newest=True) for table in versions]
        newest = max(range(len(versions)), key=lambda i: (last[i].int if (last[i]) else -1, -i))  # type: ignore[union-attr]
        return versions[newest]

    async def _entry(self, connection: AsyncConnection, table: RecordTable) -> ModelStats:
        days = tables.record_days.c
        own = sa.and_(days.model == table.model, days.version == table.version)
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
