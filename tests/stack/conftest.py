"""Fixtures of the tests of processes."""

from tests.service.postgres import postgres

__all__ = ["postgres"]
