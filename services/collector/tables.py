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

models = sa.Table(
    "models",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("table_name", sa.Text, nullable=False, unique=True),
    sa.Column("schema_digest", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

# How many records each day of a model version has, kept by the transaction that stores them: counting is never a scan.
record_days = sa.Table(
    "record_days",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True),  # days since 1970-01-01, UTC
    sa.Column("records", sa.BigInteger, nullable=False),
)

# The label that counts; every label that ever came is in label_history.
labels = sa.Table(
    "labels",
    metadata,
    sa.Column("record_id", RecordId, primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("value", sa.Double),
    sa.Column("at", sa.BigInteger, nullable=False),
)

label_history = sa.Table(
    "label_history",
    metadata,
    sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    sa.Column("record_id", RecordId, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("value", sa.Double),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Index("ix_label_history_record", "record_id", "seq"),
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    sa.Column("digest", sa.Text, nullable=False, unique=True),  # so that a record sent again is set aside once
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
)

drift_runs = sa.Table(
    "drift_runs",
    metadata,
    sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("window_from", sa.BigInteger),
    sa.Column("window_to", sa.BigInteger),
    sa.Column("window_rows", sa.BigInteger),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("drift_share", sa.Double),
    sa.Column("body", sa.Text, nullable=False),
    sa.UniqueConstraint("model", "version", "at", name="uq_drift_runs_moment"),
    sa.Index("ix_drift_runs_at", "at"),
)

performance_runs = sa.Table(
    "performance_runs",
    metadata,
    sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("window_from", sa.BigInteger),
    sa.Column("window_to", sa.BigInteger),
    sa.Column("window_rows", sa.BigInteger),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.UniqueConstraint("model", "version", "at", name="uq_performance_runs_moment"),
    sa.Index("ix_performance_runs_at", "at"),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("starts_at", sa.BigInteger, nullable=False),
    sa.Column("ends_at", sa.BigInteger),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("severity", sa.Text),
    sa.Column("model", sa.Text),
    sa.Column("version", sa.Text),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.UniqueConstraint("fingerprint", "starts_at", name="uq_alerts_episode"),
    sa.Index("ix_alerts_starts_at", "starts_at"),
)

# How often the labels of a day's records have changed, of all models: what says that an archived day is out of date.
label_days = sa.Table(
    "label_days",
    metadata,
    sa.Column("day", sa.Integer, primary_key=True),
    sa.Column("changes", sa.BigInteger, nullable=False),
)

# What lies in the archive. `records` are in its file; `held` are those that the database had when it was written, and
# `label_changes` what label_days said: as long as both are so still, the file has everything. `partial`: retention has
# begun to drop the day here, so that only file and database together are all of it.
archived_days = sa.Table(
    "archived_days",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False),
    sa.Column("label_changes", sa.BigInteger, nullable=False),
    sa.Column("partial", sa.Boolean, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("written_at", sa.BigInteger, nullable=False),
)

# Work that one collector does at a time, for longer than a transaction: who does it, and until when it is theirs.
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
)

# A request and its response, made elsewhere, wait here for each other. When they are joined the bodies go and the row
# stays a while, so that what is sent again is known. `due_at` is when somebody has to look at the row next.
events = sa.Table(
    "events",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text),  # None: the newest when they are joined
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("trace_id", sa.Text),
    sa.Column("at", sa.BigInteger),  # when the request was made; None until it is here
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("done", sa.Boolean, nullable=False),
    sa.Column("request", sa.LargeBinary),
    sa.Column("response", sa.LargeBinary),
    sa.Column("request_digest", sa.Text),
    sa.Column("response_digest", sa.Text),
    sa.Index("ix_events_due_at", "due_at"),
)
