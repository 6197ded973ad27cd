"""Fixtures of every service test."""

from tests.service.postgres import own_postgres, postgres
from tests.service.s3 import bucket, s3_server

__all__ = ["bucket", "own_postgres", "postgres", "s3_server"]
