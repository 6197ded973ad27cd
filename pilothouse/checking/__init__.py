"""Checking: is a package on disk whole, and does it do what its manifest says? Needs no torch."""

from pilothouse.checking.package import check
from pilothouse.checking.report import Finding, Report

__all__ = ["Finding", "Report", "check"]
