"""What the drift service found of drift."""

from __future__ import annotations

from typing import Any

from pilothouse.errors import Fault
from services.collector import tables
from services.collector.errors import MalformedError
from services.collector.runs import Runs


class DriftRuns(Runs):
    table = tables.drift_runs

    def own_columns(self, run: dict[str, Any]) -> dict[str, Any]:
        share = run.get("drift_share")
        if share is not None and (isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1):
            raise MalformedError(Fault("drift_share", "type", "must be a number from 0 to 1"))
        return {"drift_share": share}
