"""Readiness: the parts a service waits for, and why it cannot do its work yet, in words."""

from __future__ import annotations


class Readiness:
    """A service is ready when no part is blocked. Every part begins as not started."""

    def __init__(self, *parts: str) -> None:
        self._reasons = dict.fromkeys(parts, "not started yet")

    def ready(self, part: str) -> None:
        self._reasons.pop(part, None)

    def blocked(self, part: str, reason: str) -> None:
        """`reason` is shown to anybody who asks: no secrets."""
        self._reasons[part] = reason

    def reasons(self) -> dict[str, str]:
        """What stands in the way, by part; empty when the service is ready."""
        return dict(self._reasons)
