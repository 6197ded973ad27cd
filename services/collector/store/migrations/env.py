"""Alembic's environment: it runs on the connection that the collector hands it, inside its transaction and lock."""

from __future__ import annotations

from alembic import context

from services.collector.store.tables import metadata

connection = context.config.attributes["connection"]
# SQLite's DDL is transactional too, when the driver leaves BEGIN to us, as `sqlite.py` makes it.
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
