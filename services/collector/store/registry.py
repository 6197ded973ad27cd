"""The announced model versions: their manifests and their tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from pilothouse.columns import schema_digest
from pilothouse.manifest import Manifest
from pilothouse.wire.models import VersionState
from services.collector.errors import NotAnnouncedError, SchemaConflictError, printable
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.record_table import RecordTable, build, differences
from services.collector.store.statements import of_model
from services.collector.times import DAY_MS, Clock, now_ms

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}")
DAYS_AHEAD = 2  # partitions are there before the day begins


@dataclass(frozen=True, slots=True)
class Announced:
    """What an announcement did: `created` a table, `updated` the manifest, or neither."""

    table: RecordTable
    created: bool
    updated: bool


class ModelRegistry:
    """Tables are remembered: a model version's columns never change. Manifests are read from the database each time."""

    def __init__(self, database: Database, clock: Clock = now_ms) -> None:
        self._database, self._clock = database, clock
        self._tables: dict[tuple[str, str], RecordTable] = {}

    async def announce(self, manifest: Manifest) -> Announced:
        """Make the table of a model version that is new, or keep its newest manifest.

        Raises SchemaConflictError, with nothing changed, when the version is known with other columns, and
        SchemaMismatchError when no table can be made for them.
        """
        adapter = self._database.adapter
        table = build(manifest, adapter.types)
        now = self._clock()
        async with self._database.writing() as connection:
            await adapter.lock(connection, f"announce {manifest.key}")
            known = (await connection.execute(_row_of(manifest.name, manifest.version))).one_or_none()
            if known is None:
                await adapter.create_table(connection, table)
                await adapter.ensure_days(connection, table, days_ahead(now))
                await connection.execute(
                    sa.insert(tables.models).values(_values(manifest, table, now) | {"created_at": now})
                )
                announced = Announced(table, created=True, updated=False)
            else:
                announced = Announced(table, created=False, updated=_changed(manifest, known.manifest))
                if announced.updated:
                    changed = sa.update(tables.models).where(of_model(tables.models.c, *table.key))
                    await connection.execute(changed.values(_values(manifest, table, now)))
        self._tables.setdefault(table.key, table)
        return announced

    async def table(self, model: str, version: str) -> RecordTable:
        """Raises NotAnnouncedError."""
        known = self._tables.get((model, version))
        return known or self._remember(await self.manifest(model, version))

    async def manifest(self, model: str, version: str) -> Manifest:
        """Raises NotAnnouncedError."""
        if not (_KEY.fullmatch(model) and _KEY.fullmatch(version)):
            raise NotAnnouncedError(printable(model, 60), printable(version, 60))
        async with self._database.reading() as connection:
            row = (await connection.execute(_row_of(model, version))).one_or_none()
        if row is None:
            raise NotAnnouncedError(model, version)
        return Manifest.model_validate_json(row.manifest)

    async def tables(self, model: str | None = None) -> list[RecordTable]:
        """Every known table, the newest announced first; those of one model when it is given."""
        statement = sa.select(tables.models).order_by(tables.models.c.created_at.desc(), tables.models.c.version.desc())
        if model is not None:
            if not _KEY.fullmatch(model):
                return []
            statement = statement.where(tables.models.c.model == model)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        found = []
        for row in rows:
            known = self._tables.get((row.model, row.version))
            found.append(known or self._remember(Manifest.model_validate_json(row.manifest)))
        return found

    async def states(self) -> dict[tuple[str, str], VersionState]:
        """What `keep_states` was told, by model and version; nothing of those that no inference service has."""
        columns = tables.models.c
        statement = sa.select(columns.model, columns.version, columns.state).where(columns.state.is_not(None))
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        return {(row.model, row.version): row.state for row in rows}

    async def keep_states(self, model: str, states: Mapping[str, VersionState]) -> None:
        """Keep which version of a model answers and which shadow it. A version that is not named has no state any more;
        one that was never announced is passed over."""
        if not _KEY.fullmatch(model):
            return
        columns = tables.models.c
        statement = sa.select(columns.version, columns.state).where(columns.model == model)
        async with self._database.reading() as connection:
            known = (await connection.execute(statement)).all()
        changed = {row.version: states.get(row.version) for row in known if row.state != states.get(row.version)}
        if not changed:  # the usual case: it is said again every minute by each process
            return
        async with self._database.writing() as connection:
            for version, state in sorted(changed.items()):
                row_of = of_model(columns, model, version)
                await connection.execute(sa.update(tables.models).where(row_of).values(state=state))

    def _remember(self, manifest: Manifest) -> RecordTable:
        table = build(manifest, self._database.adapter.types)
        return self._tables.setdefault(table.key, table)


def days_ahead(now: int) -> range:
    """Today and the next days, as days since 1970-01-01."""
    today = now // DAY_MS
    return range(today, today + DAYS_AHEAD + 1)


def _changed(manifest: Manifest, stored: str) -> bool:
    before = Manifest.model_validate_json(stored)
    if schema_digest(before) != schema_digest(manifest):
        raise SchemaConflictError(manifest.name, manifest.version, differences(before, manifest))
    return before != manifest


def _values(manifest: Manifest, table: RecordTable, now: int) -> dict[str, object]:
    return {
        "model": table.model,
        "version": table.version,
        "table_name": table.name,
        "schema_digest": table.digest,
        "manifest": _ascii_json(manifest),
        "updated_at": now,
    }


def _ascii_json(manifest: Manifest) -> str:
    return manifest.model_dump_json(ensure_ascii=True)


def _row_of(model: str, version: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(tables.models).where(of_model(tables.models.c, model, version))
