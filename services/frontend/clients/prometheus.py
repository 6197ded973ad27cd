"""Prometheus, where there is one: the last hour as series, and what its alert rules say."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import msgspec

from services.frontend.connection import Connection
from services.frontend.errors import ServiceOdd


class Line(msgspec.Struct, frozen=True):
    """One series of a query: its labels, and a value (or None) for each moment (seconds since the epoch)."""

    labels: dict[str, str]
    values: dict[float, float | None]


class Rule(msgspec.Struct, frozen=True, rename="camel"):
    """An alert rule. `state` is inactive, pending or firing; `health` ok, err or unknown."""

    name: str
    state: str = ""
    health: str = ""
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    alerts: list[dict[str, Any]] = []
    last_error: str = ""
    type: str = ""


class Prometheus:
    """Its HTTP API."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def over_time(self, query: str, start: datetime, end: datetime, step_seconds: float) -> list[Line]:
        """The series of a PromQL query at evenly spaced moments."""
        span = {"start": start.timestamp(), "end": end.timestamp(), "step": step_seconds}
        answer = self.connection.read(_Series, "/api/v1/query_range", {"query": query} | span)
        try:
            return [Line(r.metric, {float(at): _number(v) for at, v in r.values}) for r in answer.data.result]
        except ValueError as error:
            raise ServiceOdd(self.connection.name, self.connection.url, 200, str(error)) from error

    def alert_rules(self) -> list[Rule]:
        groups = self.connection.read(_Rules, "/api/v1/rules", {"type": "alert"}).data.groups
        return [rule for group in groups for rule in group.rules if rule.type != "recording"]


class _Result(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Results(msgspec.Struct):
    result: list[_Result]


class _Series(msgspec.Struct):
    data: _Results


class _Group(msgspec.Struct):
    rules: list[Rule]


class _Groups(msgspec.Struct):
    groups: list[_Group]


class _Rules(msgspec.Struct):
    data: _Groups


def _number(text: str) -> float | None:
    """Prometheus writes NaN and +Inf where a share or a quantile is of nothing."""
    value = float(text)
    return value if math.isfinite(value) else None
