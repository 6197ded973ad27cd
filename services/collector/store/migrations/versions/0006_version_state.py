"""Which version of a model answers, and which shadow it, as the inference service says."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("models", sa.Column("state", sa.Text))


def downgrade() -> None:
    op.drop_column("models", "state")
