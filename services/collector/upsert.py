"""`INSERT ... ON CONFLICT`, which both databases speak and SQLAlchemy has a construct for in each dialect."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert_into(connection: AsyncConnection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_new(connection: AsyncConnection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Rows that break no unique constraint; the others are there already."""
    return insert_into(connection, table).on_conflict_do_nothing()
