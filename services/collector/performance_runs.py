"""What the drift service found of performance, measured and estimated."""

from __future__ import annotations

from typing import Any

from services.collector import tables
from services.collector.runs import Runs, read_text


class PerformanceRuns(Runs):
    table = tables.performance_runs

    def own_columns(self, run: dict[str, Any]) -> dict[str, Any]:
        return {"metric": read_text("metric", run.get("metric"))}
