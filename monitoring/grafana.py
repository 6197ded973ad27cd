"""The source as Grafana's provisioned alerting: rules, where they are sent, and by which policy.

A rule is Prometheus' expression as it stands, which gives something only while the alert is due. Its values may be 0
(`up == 0`), so the threshold that Grafana wants is one that every number is above. No answer is the normal state.
"""

from __future__ import annotations

import re
from typing import Any

from monitoring.document import yaml_text
from monitoring.source import Alert, Alerts, Group

FOLDER = "Pilothouse"
RECEIVER = "pilothouse-collector"
SOURCE = "prometheus"
EVERY_NUMBER = -1e300
_LOOK_BACK = {"from": 600, "to": 0}  # seconds; an instant query looks at its end


def alert_rules(alerts: Alerts) -> str:
    """grafana/provisioning/alerting/rules.yaml."""
    groups = [
        {
            "orgId": 1,
            "name": f"pilothouse-{group.name}",
            "folder": FOLDER,
            "interval": "30s",
            "rules": [_rule(alerts, group, alert) for alert in group.alerts],
        }
        for group in alerts.groups
    ]
    return yaml_text("monitoring/alerts.yaml", {"apiVersion": 1, "groups": groups})


def notifications() -> str:
    """grafana/provisioning/alerting/notifications.yaml: everything goes to the collector's inbox.

    Grafana puts the address and the key in from its environment; without a key, none is sent.
    """
    settings = {
        "url": "$PILOTHOUSE_COLLECTOR_URL/v1/alerts",
        "httpMethod": "POST",
        "authorization_credentials": "$PILOTHOUSE_ALERTS_KEY",
    }
    receiver = {"uid": RECEIVER, "type": "webhook", "settings": settings, "disableResolveMessage": False}
    policy = {
        "orgId": 1,
        "receiver": RECEIVER,
        "group_by": ["alertname", "model"],
        "group_wait": "10s",
        "group_interval": "1m",
        "repeat_interval": "4h",
    }
    content = {
        "apiVersion": 1,
        "contactPoints": [{"orgId": 1, "name": RECEIVER, "receivers": [receiver]}],
        "policies": [policy],
    }
    return yaml_text("monitoring/grafana.py", content)


def _rule(alerts: Alerts, group: Group, alert: Alert) -> dict[str, Any]:
    annotations = alerts.annotations(group, alert)
    return {
        "uid": f"ph-{alert.name.lower()}",  # at most 40 characters
        "title": alert.name,
        "condition": "B",
        "for": alert.hold,
        "noDataState": "OK",
        "execErrState": "Error",
        "isPaused": False,
        "labels": {"severity": alert.severity},
        "annotations": {name: _as_grafana_writes(text) for name, text in annotations.items()},
        "data": [_query(alert.expr), _threshold()],
    }


def _query(expression: str) -> dict[str, Any]:
    """Query models are the one place where `$` is not Grafana's own."""
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
        "conditions": [{"type": "query", "evaluator": {"type": "gt", "params": [EVERY_NUMBER]}}],
    }
    return {"refId": "B", "datasourceUid": "__expr__", "relativeTimeRange": {"from": 0, "to": 0}, "model": model}


def _as_grafana_writes(text: str) -> str:
    """`$value` is the number of query A there, and a `$` that is not a variable of the environment is doubled."""
    return re.sub(r"\$value\b", "$values.A.Value", text).replace("$", "$$")
