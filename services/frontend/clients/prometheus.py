"""Prometheus, where there is one: series of a query, and what its alert rules say."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from services.frontend.clients.cache import cached
from services.frontend.clients.connection import Connection


class Series(BaseModel):
    """One series of a query: its labels, and pairs of a time (seconds since the epoch) and a value as text."""

    metric: dict[str, str]
    values: list[tuple[float, float]]

    def by_time(self) -> dict[float, float | None]:
        """Values by their time; None where a share or a quantile is of nothing (NaN or +Inf)."""
        return {at: value if math.isfinite(value) else None for at, value in self.values}


class AlertRule(BaseModel):
    """An alert rule. `state` is inactive, pending or firing; `health` ok, err or unknown."""

    name: str
    state: str = ""
    health: str = ""
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    alerts: list[dict[str, Any]] = []
    last_error: str = Field("", alias="lastError")
    type: str = ""


class PrometheusClient:
    """Its HTTP API."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached(seconds=4)
    def over_time(self, query: str, start: datetime, end: datetime, step_seconds: float) -> list[Series]:
        """The series of a PromQL query at evenly spaced times."""
        span = {"start": start.timestamp(), "end": end.timestamp(), "step": step_seconds}
        return self.connection.read(_QueryAnswer, "/api/v1/query_range", {"query": query} | span).data.result

    @cached(seconds=5)
    def alert_rules(self) -> list[AlertRule]:
        groups = self.connection.read(_RulesAnswer, "/api/v1/rules", {"type": "alert"}).data.groups
        return [rule for group in groups for rule in group.rules if rule.type != "recording"]


class _QueryResult(BaseModel):
    result: list[Series]


class _QueryAnswer(BaseModel):
    data: _QueryResult


class _RuleGroup(BaseModel):
    rules: list[AlertRule]


class _RuleGroups(BaseModel):
    groups: list[_RuleGroup]


class _RulesAnswer(BaseModel):
    data: _RuleGroups
