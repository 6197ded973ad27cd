"""Grafana's provisioned alert rules: the expressions of Prometheus' rules, unchanged.

An expression has a result only while its alert is due. The result may be 0 (`up == 0`), so the threshold that Grafana
demands is one that every number exceeds. No result is the normal state. When Prometheus does not answer, alerts stay as
they were, and one rule says so. Grafana fires a minute later than Prometheus and ends before it, so that Alertmanager
can hold back what both say (alertmanager_config.py). Where alerts are sent is written by hand, in
grafana/provisioning/alerting/notifications.yaml.
"""

from __future__ import annotations

import re
from typing import Any

from monitoring.definitions import AlertDefinition, Alerts

SOURCE = "prometheus"
BELOW_EVERY_NUMBER = -1e300
FIRES_WITHOUT_PROMETHEUS = "ServiceDown"
PUBLIC_URL = "${PILOTHOUSE_PUBLIC_URL}"  # put in when Grafana starts (compose.yaml)
LATER_SECONDS = 60  # than Prometheus, whose message comes first
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_LOOK_BACK = {"from": 600, "to": 0}  # seconds; an instant query looks at its end


def alert_rules(alerts: Alerts) -> dict[str, Any]:
    """grafana/provisioning/alerting/rules.yaml."""
    groups = [
        {
            "orgId": 1,
            "name": f"pilothouse-{group.name}",
            "folder": "Pilothouse",
            "interval": "30s",
            "rules": [_rule(alert) for alert in group.alerts],
        }
        for group in alerts.groups
    ]
    return {"apiVersion": 1, "groups": groups}


def _rule(alert: AlertDefinition) -> dict[str, Any]:
    return {
        "uid": f"ph-{alert.name.lower()}",  # at most 40 characters
        "title": alert.name,
        "condition": "B",
        "for": _later(alert.hold),
        "noDataState": "OK",
        "execErrState": "Alerting" if alert.name == FIRES_WITHOUT_PROMETHEUS else "KeepLast",
        "missing_series_evals_to_resolve": 1,  # as Prometheus does; Grafana waits for a second one by itself
        "isPaused": False,
        "labels": {"severity": alert.severity},
        "annotations": {name: _for_grafana(text) for name, text in alert.annotations().items()},
        "data": [_query(alert.expr), _threshold()],
    }


def _later(hold: str) -> str:
    return f"{int(hold[:-1]) * _SECONDS[hold[-1]] + LATER_SECONDS}s"


def _query(expression: str) -> dict[str, Any]:
    model = {
        "refId": "A",
        "datasource": {"type": "prometheus", "uid": SOURCE},
        "expr": expression,
        "instant": True,
        "range": False,
        "intervalMs": 1000,
        "maxDataPoints": 43200,
    }
    return {"refId": "A", "datasourceUid": SOURCE, "relativeTimeRange": _LOOK_BACK, "model": model}


def _threshold() -> dict[str, Any]:
    model = {
        "refId": "B",
        "type": "threshold",
        "datasource": {"type": "__expr__", "uid": "__expr__"},
        "expression": "A",
        "conditions": [{"evaluator": {"type": "gt", "params": [BELOW_EVERY_NUMBER]}}],
    }
    return {"refId": "B", "datasourceUid": "__expr__", "relativeTimeRange": {"from": 0, "to": 0}, "model": model}


def _for_grafana(text: str) -> str:
    """Grafana calls Prometheus' `$value` the value of query A. It puts no variables of its environment in here."""
    return re.sub(r"\$value\b", "$values.A.Value", text.replace("{{ $externalLabels.public_url }}", PUBLIC_URL))
