"""The fixed tables; Alembic's revisions make them (`migrations/`). A model version's table is in `record_table.py`.

Times are milliseconds since the epoch on both databases, as in an id. Bodies are JSON with everything but ASCII
escaped, because PostgreSQL takes no NUL in its text and SQLite would.
"""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = sa.MetaData()


class RecordId(TypeDecorator[Any]):
    """A UUID: PostgreSQL's own type, and 16 bytes in SQLite, which sort alike."""

    impl = sa.LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.Uuid())
        return dialect.type_descriptor(sa.LargeBinary(16))

    def process_bind_param(self, value: uuid.UUID | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> uuid.UUID | None:
        return uuid.UUID(bytes=value) if isinstance(value, bytes) else value


_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER counts up by itself there


def _key(**kinds: Any) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, primary_key=True) for name, kind in kinds.items()]


def _seq() -> sa.Column[Any]:
    return sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True)


def _given(kind: Any, *names: str) -> list[sa.Column[Any]]:
    """Columns that are never null."""
    return [sa.Column(name, kind, nullable=False) for name in names]


def _nullable(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name in names]


def _runs(name: str, *own: sa.Column[Any]) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        _seq(),
        *_given(sa.Text, "model", "version", "verdict", "body"),
        *_given(sa.BigInteger, "at"),
        *_nullable(sa.BigInteger, "window_from", "window_to", "window_rows"),
        *own,
        sa.UniqueConstraint("model", "version", "at", name=f"uq_{name}_moment"),
        sa.Index(f"ix_{name}_at", "at"),
    )


models = sa.Table(
    "models",
    metadata,
    *_key(model=sa.Text, version=sa.Text),
    sa.Column("table_name", sa.Text, nullable=False, unique=True),
    *_given(sa.Text, "schema_digest", "manifest"),
    *_given(sa.BigInteger, "created_at", "updated_at"),
    *_nullable(sa.Text, "state"),  # active, shadow or loaded; null where no inference service has said
)

# How many records each day of a model version has, kept by the transaction that stores them: counting is never a scan.
# `day` is days since 1970-01-01, UTC, here and in the tables of the archive.
record_days = sa.Table(
    "record_days", metadata, *_key(model=sa.Text, version=sa.Text, day=sa.Integer), *_given(sa.BigInteger, "records")
)

# The label that counts; every label that ever came is in label_history.
labels = sa.Table(
    "labels",
    metadata,
    *_key(record_id=RecordId),
    *_given(sa.Text, "label"),
    *_nullable(sa.Double, "value"),
    *_given(sa.BigInteger, "at"),
)

label_history = sa.Table(
    "label_history",
    metadata,
    _seq(),
    *_given(RecordId, "record_id"),
    *_given(sa.Text, "label"),
    *_nullable(sa.Double, "value"),
    *_given(sa.BigInteger, "at", "received_at"),
    sa.Index("ix_label_history_record", "record_id", "seq"),
)

# Labels of records that are not there yet: as they came, until they can be judged. `due_at` is when to look next.
waiting_labels = sa.Table(
    "waiting_labels",
    metadata,
    _seq(),
    *_given(RecordId, "record_id"),
    *_given(sa.Text, "label"),
    *_given(sa.BigInteger, "at", "received_at", "due_at"),
    *_given(sa.Boolean, "timed"),
    sa.Index("ix_waiting_labels_record", "record_id"),
    sa.Index("ix_waiting_labels_due_at", "due_at"),
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    _seq(),
    sa.Column("digest", sa.Text, nullable=False, unique=True),  # so that a record sent again is set aside once
    *_given(sa.BigInteger, "at"),
    *_given(sa.Text, "model", "version", "code", "message", "payload"),
    *_nullable(sa.Text, "record_id"),
)

drift_runs = _runs("drift_runs", *_nullable(sa.Double, "drift_share"))
performance_runs = _runs("performance_runs", *_given(sa.Text, "metric"))

alerts = sa.Table(
    "alerts",
    metadata,
    _seq(),
    *_given(sa.Text, "fingerprint", "status", "name", "summary", "body"),
    *_given(sa.BigInteger, "starts_at", "received_at"),
    *_nullable(sa.BigInteger, "ends_at"),
    *_nullable(sa.Text, "severity", "model", "version"),
    sa.UniqueConstraint("fingerprint", "starts_at", name="uq_alerts_episode"),
    sa.Index("ix_alerts_starts_at", "starts_at"),
)

# How often the labels of a day's records have changed, of all models: what says that an archived day is out of date.
label_days = sa.Table("label_days", metadata, *_key(day=sa.Integer), *_given(sa.BigInteger, "changes"))

# What lies in the archive. `records` are in its file; `held` are those that the database had when it was written, and
# `label_changes` what label_days had. As long as both are the same, the file has everything. `partial`: retention has
# begun to drop the day, so that only file and database together have all of it.
archived_days = sa.Table(
    "archived_days",
    metadata,
    *_key(model=sa.Text, version=sa.Text, day=sa.Integer),
    *_given(sa.BigInteger, "records", "held", "label_changes", "bytes", "written_at"),
    *_given(sa.Boolean, "partial"),
)

# Work that one collector does at a time, for longer than a transaction: who does it, and until when it is theirs.
leases = sa.Table("leases", metadata, *_key(name=sa.Text), *_given(sa.Text, "holder"), *_given(sa.BigInteger, "until"))

# A request and its response, of an external model, wait here for each other. When they are joined the bodies go
# and the row stays a while, so that what is sent again is known. `due_at` is when the row has to be looked at next.
# Without a version the newest one is meant when they are joined; `at` is None until the request is here.
events = sa.Table(
    "events",
    metadata,
    *_key(key=sa.Text),
    *_given(sa.Text, "model", "event_id", "source"),
    *_nullable(sa.Text, "version", "trace_id", "request_digest", "response_digest"),
    *_nullable(sa.BigInteger, "at"),
    *_given(sa.BigInteger, "received_at", "due_at"),
    *_given(sa.Boolean, "done"),
    *_nullable(sa.LargeBinary, "request", "response"),
    sa.Index("ix_events_due_at", "due_at"),
)
