"""Labels that came before their record, until it is there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ID = sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def upgrade() -> None:
    op.create_table(
        "waiting_labels",
        sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("record_id", _ID, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("timed", sa.Boolean, nullable=False),
    )
    op.create_index("ix_waiting_labels_record", "waiting_labels", ["record_id"])
    op.create_index("ix_waiting_labels_due_at", "waiting_labels", ["due_at"])


def downgrade() -> None:
    op.drop_table("waiting_labels")
