"""What the drift service found of performance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "performance_runs",
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
    )
    op.create_index("ix_performance_runs_at", "performance_runs", ["at"])


def downgrade() -> None:
    op.drop_table("performance_runs")
