"""A real Alertmanager with our inhibitions is told of every alert twice: by Prometheus, and by Grafana."""

from datetime import UTC, datetime

import pytest
import yaml

from monitoring.alertmanager_config import alertmanager_config
from monitoring.definitions import read
from testkit.expressions import known
from testkit.promql import Checker
from testkit.stack.alertmanager import MISSING, Alertmanager

pytestmark = pytest.mark.skipif(MISSING, reason="no Alertmanager (Debian: its own package prometheus-alertmanager)")
ALERTS = read().alerts.every()
NOW = datetime.now(UTC).isoformat()
NO_END = "0001-01-01T00:00:00Z"  # what Go writes for a time that is not set: Grafana's contact point, of what fires


def labels(alert, **changed):
    """As of a series that the expression finds."""
    found = {name: "a" for name in Checker(known()).labels(alert.expr) or () if name != "__name__"}
    return found | {"alertname": alert.name, "severity": alert.severity} | changed


def from_grafana(alert, **changed):
    own = {"__alert_rule_uid__": f"ph-{alert.name.lower()}", "__name__": "the_metric"}
    return {
        "labels": labels(alert, **changed) | own,
        "startsAt": NOW,
        "endsAt": NO_END,
        "annotations": {"__orgId__": "1"},
    }


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory):
    """It holds nothing back but what Prometheus has sent too."""
    server = Alertmanager(tmp_path_factory.mktemp("alertmanager"), None)
    config = alertmanager_config(read().alerts)
    copies_alone = {
        "inhibit_rules": config["inhibit_rules"][:1],
        "receivers": [{"name": "pilothouse"}],
        "templates": [],
    }
    server.config.write_text(yaml.safe_dump(config | copies_alone))
    server.start()
    yield server
    server.stop()


def states(alertmanager, alert):
    """Of Grafana's alerts of this name, by their labels."""
    found = alertmanager.ask(f'alerts?filter=alertname="{alert.name}"&filter=__name__="the_metric"')
    return {frozenset(each["labels"].items()): each["status"]["state"] for each in found}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_what_prometheus_sent_is_held_back_and_nothing_else(alertmanager, alert):
    same = from_grafana(alert)
    others = [from_grafana(alert, **{name: "b"}) for name in labels(alert) if name not in ("alertname", "severity")]
    alertmanager.post(*({"labels": labels(alert), "startsAt": NOW}, same, *others))
    found = states(alertmanager, alert)
    assert found.pop(frozenset(same["labels"].items())) == "suppressed"
    assert set(found.values()) <= {"active"}
    assert len(found) == len(others)


def test_what_grafana_alone_sends_is_delivered_and_lasts_longer_than_until_it_is_sent_again(alertmanager):
    alert = ALERTS[0]
    alertmanager.post(from_grafana(alert, job="grafana alone"))
    (found,) = alertmanager.ask('alerts?filter=job="grafana alone"')
    assert found["status"]["state"] == "active"
    lasts = datetime.fromisoformat(found["endsAt"]) - datetime.fromisoformat(found["updatedAt"])
    assert lasts.total_seconds() == 300  # the policy of grafana/provisioning sends it again every minute
