"""The drift service: verdicts, their history, and what the numbers look like."""

from __future__ import annotations

from collections.abc import Sequence

from pilothouse.wire.distributions import Distributions, Plane
from pilothouse.wire.drift import DriftAnswer, DriftRuns
from pilothouse.wire.performance import PerformanceAnswer, PerformanceRuns
from services.frontend.clients.cache import cached
from services.frontend.clients.connection import Answer, Connection
from services.frontend.errors import none_if_missing

SCORE_SECONDS = 30.0  # a first answer after a start calibrates
_HISTORY_RUNS = 1000


class DriftClient:
    """A `window` of None is the one that the model's manifest names."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached(seconds=4)
    def verdict(self, model: str, version: str, window: str | None = None) -> DriftAnswer | None:
        """The newest one; None when nothing of this model was ever logged."""
        return none_if_missing(lambda: self._score(DriftAnswer, "/drift", model, version, window))

    @cached(seconds=20)
    def history(self, model: str, version: str, window: str) -> Sequence[DriftAnswer]:
        """Past verdicts of a span such as 24h, newest first."""
        params = {"model": model, "version": version, "window": window, "limit": _HISTORY_RUNS}
        return self.connection.read(DriftRuns, "/drift/history", params).drift_runs

    @cached(seconds=20)
    def distributions(
        self, model: str, version: str, columns: Sequence[str] = (), window: str | None = None
    ) -> Distributions:
        """How the values of columns are spread, in the reference and in the window; all monitored ones by default."""
        names = ",".join(columns) or None
        return self._score(Distributions, "/drift/distributions", model, version, window, columns=names)

    @cached(seconds=20)
    def plane(self, model: str, version: str, window: str | None = None) -> Plane | None:
        """Embeddings on a plane; None for a model without them, or where there are none."""
        return none_if_missing(lambda: self._score(Plane, "/drift/embedding", model, version, window))

    @cached(seconds=10)
    def performance(
        self, model: str, version: str, window: str | None = None, segment: str | None = None
    ) -> PerformanceAnswer:
        """How good the predictions were, by labels and by estimate; by the values of `segment`, where it is given."""
        return self._score(PerformanceAnswer, "/performance", model, version, window, segment=segment)

    @cached(seconds=20)
    def performance_history(self, model: str, version: str, window: str) -> Sequence[PerformanceAnswer]:
        """What was said in a span such as 24h, newest first, without curves, time slices and segments."""
        params = {"model": model, "version": version, "window": window, "limit": _HISTORY_RUNS}
        return self.connection.read(PerformanceRuns, "/performance/history", params).performance_runs

    def _score(
        self, kind: type[Answer], path: str, model: str, version: str, window: str | None, **more: str | None
    ) -> Answer:
        params = {"model": model, "version": version, "window": window} | more
        return self.connection.read(kind, path, params, SCORE_SECONDS)
