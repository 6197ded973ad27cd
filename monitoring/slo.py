"""Recording rules of the two promises, in the way of Google's SRE workbook (chapter 5): how fast is the error budget
used up, over windows of several lengths, 1 being the rate at which it is gone exactly at the end of the month."""

from __future__ import annotations

from typing import Any

from monitoring.source import Objectives

_SHORT, _LONG = ("5m", "30m", "1h", "2h"), ("6h", "1d", "3d", "30d")
_ASKED = 'pilothouse_http_requests_total{job="inference", route=~".*/(predict|infer)"}'
_FAILED = 'pilothouse_http_requests_total{job="inference", route=~".*/(predict|infer)", status=~"5.."}'


def rule_groups(objectives: Objectives) -> list[dict[str, Any]]:
    """Long windows are read over and over and change slowly: their group is evaluated less often."""
    return [
        {"name": "pilothouse-slo", "rules": [*_promises(objectives), *_burns(objectives, _SHORT)]},
        {"name": "pilothouse-slo-long", "interval": "1m", "rules": [*_burns(objectives, _LONG), *_remaining()]},
    ]


def _promises(objectives: Objectives) -> list[dict[str, Any]]:
    budgets = {
        "availability": 1 - objectives.availability.objective,
        "latency": 1 - objectives.latency.objective,
    }
    rules = [_rule("slo:error_budget:ratio", f"vector({budget:.6g})", slo) for slo, budget in budgets.items()]
    return [*rules, {"record": "slo:latency:seconds", "expr": f"vector({objectives.latency.seconds})"}]


def _burns(objectives: Objectives, windows: tuple[str, ...]) -> list[dict[str, Any]]:
    return [rule for window in windows for rule in _burn(objectives, window)]


def _burn(objectives: Objectives, window: str) -> list[dict[str, Any]]:
    """Bad and all events a second, their ratio, and that over the budget. Where nothing was asked there is no ratio."""
    seconds = objectives.latency.seconds
    timed = "pilothouse_prediction_seconds"
    quick = f'{timed}_bucket{{stage="total", le="{seconds}"}}'
    every = f'{timed}_count{{stage="total"}}'
    return [
        _rule(f"slo:all:rate{window}", f"sum(rate({_ASKED}[{window}]))", "availability"),
        _rule(
            f"slo:bad:rate{window}",
            f"sum(rate({_FAILED}[{window}])) or 0 * sum(rate({_ASKED}[{window}]))",
            "availability",
        ),
        _rule(f"slo:all:rate{window}", f"sum(rate({every}[{window}]))", "latency"),
        _rule(f"slo:bad:rate{window}", f"sum(rate({every}[{window}])) - sum(rate({quick}[{window}]))", "latency"),
        {"record": f"slo:errors:ratio{window}", "expr": f"slo:bad:rate{window} / (slo:all:rate{window} > 0)"},
        {"record": f"slo:burn_rate:{window}", "expr": f"slo:errors:ratio{window} / slo:error_budget:ratio"},
    ]


def _remaining() -> list[dict[str, Any]]:
    return [{"record": "slo:error_budget:remaining", "expr": "1 - slo:burn_rate:30d"}]


def _rule(record: str, expression: str, slo: str) -> dict[str, Any]:
    return {"record": record, "expr": expression, "labels": {"slo": slo}}
