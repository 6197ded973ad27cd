"""The first tables: models, counts by day, labels and their history, dead letters, drift runs, alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ID = sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def upgrade() -> None:
    op.create_table(
        "models",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("table_name", sa.Text, nullable=False, unique=True),
        sa.Column("schema_digest", sa.Text, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "record_days",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True),
        sa.Column("records", sa.BigInteger, nullable=False),
    )
    _create_labels()
    _create_dead_letters()
    _create_drift_runs()
    _create_alerts()


def _create_labels() -> None:
    op.create_table(
        "labels",
        sa.Column("record_id", _ID, primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "label_history",
        sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("record_id", _ID, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_label_history_record", "label_history", ["record_id", "seq"])


def _create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("record_id", sa.Text),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )


def _create_drift_runs() -> None:
    op.create_table(
        "drift_runs",
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
    )
    op.create_index("ix_drift_runs_at", "drift_runs", ["at"])


def _create_alerts() -> None:
    op.create_table(
        "alerts",
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
    )
    op.create_index("ix_alerts_starts_at", "alerts", ["starts_at"])


def downgrade() -> None:
    for table in ("alerts", "drift_runs", "dead_letters", "label_history", "labels", "record_days", "models"):
        op.drop_table(table)
