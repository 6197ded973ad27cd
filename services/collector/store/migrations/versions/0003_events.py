"""Halves of inferences that were made elsewhere: a request and its response wait here for each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("trace_id", sa.Text),
        sa.Column("at", sa.BigInteger),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.Column("request", sa.LargeBinary),
        sa.Column("response", sa.LargeBinary),
        sa.Column("request_digest", sa.Text),
        sa.Column("response_digest", sa.Text),
    )
    op.create_index("ix_events_due_at", "events", ["due_at"])


def downgrade() -> None:
    op.drop_table("events")
