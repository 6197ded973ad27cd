"""Alerts of three senders are one list, and a link in them is followed only where that is safe."""

import pytest

from pilothouse.wire.alerts import Alert
from pilothouse.wire.drift import ColumnDrift, DriftAnswer
from services.frontend.clients.prometheus import AlertRule
from services.frontend.views.alerts import alert_list

STARTS = "2026-11-21T08:00:00Z"


def rule(name="HighLatency", state="firing", **annotations):
    alert = {"state": state, "labels": {"model": "a", "version": "1", "severity": "page"}, "annotations": annotations,
             "activeAt": STARTS}  # fmt: skip
    return AlertRule(name=name, state=state, alerts=[alert])


def drifting(model="a"):
    column = ColumnDrift(name="x", score=0.4, threshold=0.1, drifted=True)
    return DriftAnswer(model=model, version="1", verdict="drift", columns=[column], at=STARTS)


@pytest.mark.parametrize(
    ("address", "followed"),
    [
        ("https://example.org/runbooks#a", True),
        ("http://127.0.0.1/docs", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("docs/runbooks.md#a", False),
        ("https:///x", False),
        ("", False),
    ],
)
def test_only_web_addresses_are_followed(address, followed):
    assert (alert_list.followed(alert_list.runbook({"runbook_url": address})) is not None) == followed


def test_a_rule_without_alerts_is_no_notice():
    assert alert_list.of_prometheus([AlertRule(name="Quiet", state="inactive")]) == []


def test_a_notice_says_which_model_since_when_and_how_bad():
    (found,) = alert_list.of_prometheus([rule(summary="too slow")])
    assert (found.summary, found.model, found.severity, found.state) == ("too slow", "a 1", "page", "firing")
    assert found.since.isoformat() == "2026-11-21T08:00:00+00:00"


def test_firing_comes_before_pending_and_the_newest_first():
    old = Alert("Old", "firing", "old", starts_at="2026-11-20T08:00:00Z")
    found = alert_list.merged(
        alert_list.of_prometheus([rule(state="pending")]),
        alert_list.of_inbox([old, Alert("New", "firing", "new", starts_at=STARTS)]),
    )
    assert [n.name for n in found] == ["New", "Old", "HighLatency"]


def test_what_two_senders_say_alike_stands_once():
    alert = Alert("HighLatency", "firing", "too slow", model="a", version="1", starts_at=STARTS)
    assert (
        len(alert_list.merged(alert_list.of_prometheus([rule(summary="too slow")]), alert_list.of_inbox([alert]))) == 1
    )


def test_drift_is_known_without_prometheus_and_said_once_with_it():
    (alone,) = alert_list.merged(alert_list.of_drift([drifting()]))
    assert alone.summary.startswith("1 of 1 columns drifted: X")
    both = alert_list.merged(
        alert_list.of_drift([drifting(), drifting("b")]), alert_list.of_prometheus([rule("DriftDetected")])
    )
    assert sorted((n.name, n.model) for n in both) == [("Drift", "b 1"), ("DriftDetected", "a 1")]


def test_a_model_that_does_not_drift_is_no_notice():
    answers = [DriftAnswer(model="a", version="1", verdict=verdict) for verdict in ("no drift", "unknown")]
    assert alert_list.of_drift(answers) == []
