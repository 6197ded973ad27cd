"""Fixtures of the tests of processes."""

from testkit.postgres import postgres

__all__ = ["postgres"]
