"""A real PostgreSQL for every scenario."""

from testkit.postgres import own_postgres, postgres

__all__ = ["own_postgres", "postgres"]
