"""Alembic's revisions of the fixed tables, run by the collector itself at its start (`schema.py`)."""
