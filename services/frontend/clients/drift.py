"""The drift service: verdicts, their history, what the numbers look like, and Evidently's report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from services.frontend.answers import Drift, DriftRuns
from services.frontend.connection import Connection
from services.frontend.errors import ServiceAway, ServiceRefused
from services.frontend.performance import Performance, PerformanceRuns
from services.frontend.shapes import Distributions, Plane

WAIT_SECONDS = 20.0
SCORE_SECONDS = 30.0  # a first answer after a start calibrates


class DriftWatch:
    """A `window` of None is the one that the model's manifest names."""

    def __init__(self, connection: Connection, report_timeout_seconds: float) -> None:
        self.connection = connection
        self._report_timeout_seconds = report_timeout_seconds

    def verdict(self, model: str, version: str, window: str | None = None) -> Drift:
        params = {"model": model, "version": version, "window": window}
        return self.connection.read(Drift, "/drift", params, SCORE_SECONDS)

    def history(self, model: str, version: str, window: str, limit: int = 1000) -> DriftRuns:
        """Past verdicts of a span such as 24h, newest first."""
        params = {"model": model, "version": version, "window": window, "limit": limit}
        return self.connection.read(DriftRuns, "/drift/history", params)

    def distributions(
        self, model: str, version: str, columns: Sequence[str] = (), window: str | None = None
    ) -> Distributions:
        """How the values of columns are spread, in the reference and in the window; all monitored ones by default."""
        params = {"model": model, "version": version, "window": window, "columns": ",".join(columns) or None}
        return self.connection.read(Distributions, "/drift/distributions", params, SCORE_SECONDS)

    def plane(self, model: str, version: str, window: str | None = None) -> Plane | None:
        """Embeddings on a plane; None for a model without them, or where there are none."""
        params = {"model": model, "version": version, "window": window}
        try:
            return self.connection.read(Plane, "/drift/embedding", params, SCORE_SECONDS)
        except ServiceRefused as refusal:
            if refusal.status == 404:
                return None
            raise

    def performance(
        self, model: str, version: str, window: str | None = None, segment: str | None = None
    ) -> Performance:
        """How good the predictions were, by labels and by estimate; by the values of `segment`, where it is given."""
        params = {"model": model, "version": version, "window": window, "segment": segment}
        return self.connection.read(Performance, "/performance", params, SCORE_SECONDS)

    def performance_history(self, model: str, version: str, window: str, limit: int = 1000) -> PerformanceRuns:
        """What was said of a span such as 24h, newest first."""
        params = {"model": model, "version": version, "window": window, "limit": limit}
        return self.connection.read(PerformanceRuns, "/performance/history", params)

    def report(self, model: str, version: str, window: str | None = None) -> str:
        """Evidently's page, several megabytes of HTML. While the service is still at work (202), it is asked for that
        same report, where it says: asked anew, it might begin another for the records that have come since."""
        path = "/drift-report"
        params: dict[str, Any] = {"model": model, "version": version, "window": window}
        params |= {"format": "html", "wait": WAIT_SECONDS}
        give_up = time.monotonic() + self._report_timeout_seconds
        while time.monotonic() < give_up:
            answer = self.connection.send("GET", path, params=params, timeout_seconds=2 * WAIT_SECONDS)
            if answer.status_code != HTTPStatus.ACCEPTED:
                return answer.text
            there = urlsplit(answer.headers["Location"])
            path, params = there.path, {**dict(parse_qsl(there.query)), "wait": WAIT_SECONDS}
        raise ServiceAway(self.connection.name, self.connection.url, "the report is still being made")
