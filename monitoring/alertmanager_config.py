"""Alertmanager's configuration without the channels of one installation, which stack/alertmanager.py adds at its start.

One message tells of all alerts of one model, and of those without a model, of all of one service. What follows from
another alert is held back, and so is Grafana's copy of an alert that Prometheus sent: it has two labels of Grafana's
own, so that Alertmanager does not see that both are the same.
"""

from __future__ import annotations

from typing import Any

from monitoring.definitions import Alerts, Consequences
from monitoring.exposed_metrics import exposed

RECEIVER = "pilothouse"
INBOX = "http://collector:8001/v1/alerts"
INBOX_KEY = "/run/secrets/alertmanager_key"
OF_GRAFANA = "__alert_rule_uid__"
# labels of what others expose (node-exporter, Alertmanager) and of recorded series
_OTHER_LABELS = {"alertname", "device", "fstype", "mountpoint", "integration", "receiver_name", "reason", "slo"}


def alertmanager_config(alerts: Alerts) -> dict[str, Any]:
    """alertmanager/alertmanager.yml."""
    return {
        "route": {
            "receiver": RECEIVER,
            "group_by": ["job"],
            "group_wait": "10s",
            "group_interval": "1m",
            "repeat_interval": "4h",
            "routes": [{"matchers": ['model=~".+"'], "group_by": ["model"]}],
        },
        "inhibit_rules": [_copies_of_grafana(), *_consequences(alerts)],
        "templates": ["templates/*.tmpl"],
        "receivers": [{"name": RECEIVER, "webhook_configs": [_inbox()]}],
    }


def _inbox() -> dict[str, Any]:
    """The collector's, which every alert goes to."""
    return {
        "url": INBOX,
        "send_resolved": True,
        "http_config": {"authorization": {"credentials_file": INBOX_KEY}},
    }


def _copies_of_grafana() -> dict[str, Any]:
    labels = frozenset[str]().union(*exposed().values()) - {"le"}
    return {
        "source_matchers": [f'{OF_GRAFANA}=""'],
        "target_matchers": [f'{OF_GRAFANA}!=""'],
        "equal": sorted(labels | _OTHER_LABELS),
    }


def _consequences(alerts: Alerts) -> list[dict[str, Any]]:
    return [_held_back(alert.name, following) for alert in alerts.every() for following in alert.silences]


def _held_back(name: str, following: Consequences) -> dict[str, Any]:
    return {
        "source_matchers": _matchers({"alertname": name} | following.where),
        "target_matchers": [f'alertname=~"{"|".join(following.alerts)}"', *_matchers(following.of)],
        "equal": list(following.same),
    }


def _matchers(labels: dict[str, str]) -> list[str]:
    return [f'{name}="{value}"' for name, value in labels.items()]
