"""Drift and performance runs that the collector keeps for the drift service, and who may make them.

A run is posted as a JSON object with `model`, `version`, `verdict`, perhaps `at` and `window`; whatever else stands in
it is kept and given back. Readers choose what a run is decoded as: `DriftRunPage[dict[str, Any]]`.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

Run = TypeVar("Run")


class DriftRunPage(msgspec.Struct, Generic[Run], frozen=True):
    """Drift runs, the newest first; `next` is the cursor of the following page, None at the end."""

    drift_runs: list[Run]
    next: int | None = None


class PerformanceRunPage(msgspec.Struct, Generic[Run], frozen=True):
    """Performance runs, the newest first; `next` is the cursor of the following page, None at the end."""

    performance_runs: list[Run]
    next: int | None = None


class LeaseRequest(msgspec.Struct, frozen=True):
    """The body of `PUT /v1/leases/{name}`: `holder` wants it for so many seconds; 0 gives it up."""

    holder: str
    seconds: float


class Lease(msgspec.Struct, frozen=True):
    """Who holds a lease, and until when (ISO 8601)."""

    name: str
    holder: str
    until: str
