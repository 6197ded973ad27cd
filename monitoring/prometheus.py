"""The source as Prometheus' rule files."""

from __future__ import annotations

from typing import Any

from monitoring import slo
from monitoring.document import yaml_text
from monitoring.source import Alert, Alerts, Group, Objectives


def alert_rules(alerts: Alerts) -> str:
    """prometheus/rules/alerts.yml."""
    groups = [
        {"name": f"pilothouse-{g.name}", "rules": [_alert(alerts, g, a) for a in g.alerts]} for g in alerts.groups
    ]
    return yaml_text("monitoring/alerts.yaml", {"groups": groups})


def slo_rules(objectives: Objectives) -> str:
    """prometheus/rules/slo.yml."""
    return yaml_text("monitoring/objectives.yaml", {"groups": slo.rule_groups(objectives)})


def _alert(alerts: Alerts, group: Group, alert: Alert) -> dict[str, Any]:
    held = {} if alert.hold == "0s" else {"for": alert.hold}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **held,
        "labels": {"severity": alert.severity},
        "annotations": alerts.annotations(group, alert),
    }
