"""Checking: is a package complete, and does it do what its manifest says? Needs no torch."""

from pilothouse.checking.report import CheckReport, Finding
from pilothouse.checking.run import check

__all__ = ["CheckReport", "Finding", "check"]
