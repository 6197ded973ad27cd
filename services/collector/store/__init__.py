"""The database: its tables, and what differs between PostgreSQL and SQLite."""
