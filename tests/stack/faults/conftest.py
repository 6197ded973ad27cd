"""A real PostgreSQL for every scenario."""

from tests.service.postgres import own_postgres, postgres

__all__ = ["own_postgres", "postgres"]
