"""Which model version made a record, by its id alone, and how that model's labels are read."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection

import sqlalchemy as sa

from pilothouse.ids import time_ms
from pilothouse.tasks import task_of
from pilothouse.tasks.labels import LabelReader
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.record_table import RecordTable
from services.collector.store.registry import ModelRegistry
from services.collector.times import DAY_MS

_DAYS = tables.record_days.c
_AT_ONCE = 5_000

Owner = tuple[RecordTable, LabelReader]


class RecordOwners:
    """Looks first where the last records were found: a file of labels is mostly of one model."""

    def __init__(self, database: Database, models: ModelRegistry) -> None:
        self._database, self._models = database, models
        self._found: Counter[tuple[str, str]] = Counter()

    async def find(self, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Owner]:
        """The owner of each record that is stored; the others are left out."""
        found: dict[uuid.UUID, Owner] = {}
        rest = sorted(ids)
        for key in await self._candidates(rest):
            here = await self._present(await self._models.table(*key), rest)
            if here:
                manifest = await self._models.manifest(*key)  # read each time: its label values may change
                owner = await self._models.table(*key), task_of(manifest).label_reader(manifest.output)
                found |= dict.fromkeys(here, owner)
                self._found = Counter({name: count // 2 for name, count in self._found.items()})
                self._found[key] += len(here)
            rest = [record_id for record_id in rest if record_id not in here]
            if not rest:
                break
        return found

    async def _candidates(self, ids: list[uuid.UUID]) -> list[tuple[str, str]]:
        """Model versions with records of those days, the likeliest first."""
        if not ids:
            return []
        first, last = (time_ms(record_id) // DAY_MS for record_id in (ids[0], ids[-1]))
        statement = sa.select(_DAYS.model, _DAYS.version).where(_DAYS.day.between(first, last)).distinct()
        async with self._database.reading() as connection:
            keys = [(model, version) for model, version in await connection.execute(statement)]
        return sorted(keys, key=lambda key: -self._found[key])

    async def _present(self, table: RecordTable, ids: list[uuid.UUID]) -> set[uuid.UUID]:
        identity, adapter = table.table.c.id, self._database.adapter
        found: list[object] = []
        async with self._database.reading() as connection:
            for start in range(0, len(ids), _AT_ONCE):
                part = [adapter.native_id(record_id) for record_id in ids[start : start + _AT_ONCE]]
                # the bounds let PostgreSQL leave out the partitions of other days
                within = adapter.matching(identity, part).where(identity.between(part[0], part[-1]))
                found += (await connection.execute(within)).scalars()
        return {uuid.UUID(bytes=value) for value in adapter.to_canonical("id", found)}
