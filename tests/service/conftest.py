"""Fixtures of every service test."""

from testkit.postgres import own_postgres, postgres
from testkit.s3 import bucket, s3_server

__all__ = ["bucket", "own_postgres", "postgres", "s3_server"]
