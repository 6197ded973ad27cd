"""The table of one model version: its name, its columns, and the SQLAlchemy table that queries are built on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from pilothouse.columns import Column, record_columns, schema_digest
from pilothouse.errors import Fault
from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from services.collector.errors import SchemaMismatchError

COLUMN_LIMIT = 900  # a row must fit a page of PostgreSQL's (8 kB), and a float8 takes 8 bytes of it
FIXED = ("id", "at", "level")

ColumnTypes = Mapping[str, TypeEngine[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class RecordTable:
    """`columns` are those of `record_columns`; the table has `id`, `at` and `level` before them.

    `level` is how deep the record lies in the sampling order (`pilothouse.sampling`).
    """

    model: str
    version: str
    digest: str
    columns: tuple[Column, ...]
    label_kind: str  # `number` where the truth is a number, `text` where it is a class
    table: sa.Table

    @property
    def name(self) -> str:
        return str(self.table.name)

    @property
    def key(self) -> tuple[str, str]:
        return self.model, self.version

    @property
    def names(self) -> tuple[str, ...]:
        """The table's columns in order."""
        return (*FIXED, *(c.name for c in self.columns))


def build(manifest: Manifest, column_types: ColumnTypes) -> RecordTable:
    """The table for a manifest. Raises SchemaMismatchError when the databases could not hold it."""
    columns = record_columns(manifest)
    _check(columns)
    table = sa.Table(
        table_name(manifest.name, manifest.version),
        sa.MetaData(),
        sa.Column("id", column_types["id"], primary_key=True),
        sa.Column("at", column_types["datetime"], nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        *(sa.Column(c.name, column_types[c.kind]) for c in columns),
    )
    label_kind = task_of(manifest).label_kind
    return RecordTable(manifest.name, manifest.version, schema_digest(manifest), columns, label_kind, table)


def table_name(model: str, version: str) -> str:
    """At most 52 of PostgreSQL's 63 bytes, so that a day can follow; the digest keeps slugs that look alike apart."""
    digest = hashlib.sha256(f"{model}/{version}".encode()).hexdigest()[:8]
    return f"records_{_slug(model, 24)}_{_slug(version, 10)}_{digest}"


def differences(old: Manifest, new: Manifest) -> list[str]:
    """What a conflict is about, in words."""
    before = {c.name: c for c in record_columns(old)}
    after = {c.name: c for c in record_columns(new)}
    gone = [f"{name} is gone" for name in before if name not in after]
    added = [f"{name} is new" for name in after if name not in before]
    changed = [
        f"{name} was {_describe(before[name])}, is {_describe(after[name])}"
        for name in before
        if name in after and _describe(before[name]) != _describe(after[name])
    ]
    return gone + added + changed


def _check(columns: tuple[Column, ...]) -> None:
    if len(columns) > COLUMN_LIMIT:
        raise SchemaMismatchError(Fault("", "too_many_columns", f"{len(columns)} columns; at most {COLUMN_LIMIT}"))
    lower = [c.name.lower() for c in columns]
    twice = sorted({n for n in lower if lower.count(n) > 1 or n in FIXED})
    if twice:
        message = f"a column of the log has this name already (case does not count): {', '.join(twice)}"
        raise SchemaMismatchError(Fault("input", "name_taken", message))


def _describe(column: Column) -> str:
    return f"{column.kind}[{column.size}]" if column.size else column.kind


def _slug(text: str, length: int) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:length].strip("_")
