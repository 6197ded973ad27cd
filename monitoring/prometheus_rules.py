"""Prometheus' rule files: the alerts, and the recording rules of the two objectives.

The latter follow Google's SRE workbook (chapter 5): how fast the error budget is used up, over windows of several
lengths. A burn rate of 1 uses it up in exactly a month.
"""

from __future__ import annotations

from typing import Any

from monitoring.definitions import AlertDefinition, Alerts, Objectives

Rule = dict[str, Any]
_SHORT, _LONG = ("5m", "30m", "1h", "2h"), ("6h", "1d", "3d", "30d")
_REQUESTS = 'pilothouse_http_requests_total{job="inference", route=~".*/(predict|infer)"}'
_FAILURES = 'pilothouse_http_requests_total{job="inference", route=~".*/(predict|infer)", status=~"5.."}'
_TIMED = 'pilothouse_prediction_seconds_count{stage="total"}'


def alert_rules(alerts: Alerts) -> dict[str, list[Rule]]:
    """prometheus/rules/alerts.yml."""
    groups = [{"name": f"pilothouse-{g.name}", "rules": [_alert(a) for a in g.alerts]} for g in alerts.groups]
    return {"groups": groups}


def slo_rules(objectives: Objectives) -> dict[str, list[Rule]]:
    """prometheus/rules/slo.yml. Long windows change slowly, so their group is evaluated less often."""
    short, long = ([r for w in windows for r in _burn(objectives, w)] for windows in (_SHORT, _LONG))
    remaining = {"record": "slo:error_budget:remaining", "expr": "1 - slo:burn_rate:30d"}
    return {
        "groups": [
            {"name": "pilothouse-slo", "rules": [*_numbers(objectives), *short]},
            {"name": "pilothouse-slo-long", "interval": "1m", "rules": [*long, remaining]},
        ]
    }


def _alert(alert: AlertDefinition) -> Rule:
    held = {} if alert.hold == "0s" else {"for": alert.hold}
    details = {"details": alert.details} if alert.details else {}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **held,
        "keep_firing_for": alert.keep,
        "labels": {"severity": alert.severity},
        "annotations": alert.annotations() | details,
    }


def _numbers(objectives: Objectives) -> list[Rule]:
    """The objectives as series, so that no alert has to repeat a number."""
    availability, latency = objectives.availability, objectives.latency
    return [
        _record("slo:error_budget:ratio", f"vector({1 - availability.objective:.6g})", "availability"),
        _record("slo:error_budget:ratio", f"vector({1 - latency.objective:.6g})", "latency"),
        {"record": "slo:latency:seconds", "expr": f"vector({latency.seconds})"},
    ]


def _burn(objectives: Objectives, window: str) -> list[Rule]:
    """Bad and all events a second, their ratio, and that over the budget. Without requests there is no ratio."""
    quick = f'pilothouse_prediction_seconds_bucket{{stage="total", le="{objectives.latency.seconds}"}}'
    requests, failures, timed, in_time = (
        f"sum(rate({series}[{window}]))" for series in (_REQUESTS, _FAILURES, _TIMED, quick)
    )
    return [
        _record(f"slo:all:rate{window}", requests, "availability"),
        _record(f"slo:bad:rate{window}", f"{failures} or 0 * {requests}", "availability"),
        _record(f"slo:all:rate{window}", timed, "latency"),
        _record(f"slo:bad:rate{window}", f"{timed} - {in_time}", "latency"),
        {"record": f"slo:errors:ratio{window}", "expr": f"slo:bad:rate{window} / (slo:all:rate{window} > 0)"},
        {"record": f"slo:burn_rate:{window}", "expr": f"slo:errors:ratio{window} / slo:error_budget:ratio"},
    ]


def _record(name: str, expression: str, slo: str) -> Rule:
    return {"record": name, "expr": expression, "labels": {"slo": slo}}
