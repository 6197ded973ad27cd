"""Fixtures of every service test."""

from tests.service.postgres import own_postgres, postgres

__all__ = ["own_postgres", "postgres"]
