"""Alerts of four senders are one list, and a link in them is followed only where that is safe."""

import pytest

from pilothouse.wire.alerts import Alert
from pilothouse.wire.drift import ColumnDrift, DriftAnswer
from services.frontend.clients.alertmanager import HeldAlert
from services.frontend.clients.prometheus import AlertRule
from services.frontend.clients.silences import Silence
from services.frontend.views.alerts import alert_list

STARTS = "2026-11-21T08:00:00Z"
LABELS = {"alertname": "HighLatency", "model": "a", "version": "1", "severity": "page"}


def rule(name="HighLatency", state="firing", **annotations):
    alert = {"state": state, "labels": LABELS | {"alertname": name}, "annotations": annotations,
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


def test_firing_comes_before_pending_then_the_critical_then_the_newest():
    old = Alert("Old", "firing", "old", starts_at="2026-11-20T08:00:00Z")
    worst = Alert("Worst", "firing", "older", severity="critical", starts_at="2026-11-19T08:00:00Z")
    found = alert_list.merged(
        alert_list.of_prometheus([rule(state="pending")]),
        alert_list.of_inbox([old, worst, Alert("New", "firing", "new", starts_at=STARTS)]),
    )
    assert [n.name for n in found] == ["Worst", "New", "Old", "HighLatency"]


def held(fingerprint="f1", silenced_by=(), inhibited_by=(), **labels):
    """As Alertmanager answers."""
    status = {"silencedBy": silenced_by, "inhibitedBy": inhibited_by}
    body = {
        "labels": LABELS | labels,
        "annotations": {"summary": "too slow"},
        "startsAt": STARTS,
        "fingerprint": fingerprint,
    }
    return HeldAlert.model_validate(body | {"status": status})


def silence(comment="quiet", ends="2026-11-28T08:00:00Z", **labels):
    matchers = [{"name": name, "value": value, "isRegex": False} for name, value in (LABELS | labels).items()]
    body = {"id": "s1", "createdBy": "Ana", "comment": comment, "endsAt": ends, "matchers": matchers}
    return Silence.model_validate(body | {"status": {"state": "active"}})


def inbox_alert(**changes):
    return Alert(**{"name": "HighLatency", "status": "firing", "summary": "too slow", "labels": LABELS} | changes)


def states(*lists, silences=()):
    return [(n.name, n.state, n.source) for n in alert_list.merged(*lists, silences=silences)]


def test_what_three_senders_say_of_one_alert_stands_once():
    theirs = alert_list.of_prometheus([rule()])
    found = states(alert_list.of_alertmanager([held()], ()), theirs, alert_list.of_inbox([inbox_alert()]))
    assert found == [("HighLatency", "firing", "Alertmanager")]


def test_a_label_that_one_sender_adds_makes_no_other_alert():
    """As the external labels of a Prometheus do on their way to Alertmanager."""
    ours = alert_list.of_alertmanager([held(cluster="eu")], ())
    assert len(states(ours, alert_list.of_prometheus([rule()]))) == 1


def test_two_alerts_of_one_sender_stay_two():
    assert len(states(alert_list.of_alertmanager([held(), held(column="x")], ()))) == 2


def test_a_silenced_alert_says_who_why_and_until_when():
    quiet = silence("Acknowledged: on it")
    (found,) = alert_list.merged(alert_list.of_alertmanager([held(silenced_by=["s1"])], [quiet]))
    assert (found.state, found.silences[0].by, found.silences[0].reason) == ("acknowledged", "Ana", "on it")


def test_an_alert_that_alertmanager_has_forgotten_is_still_snoozed():
    """It keeps silences over a restart, and is told of the alerts a minute later."""
    told = alert_list.of_prometheus([rule()])
    assert states(told, silences=[silence(column="")]) == [("HighLatency", "snoozed", "Prometheus")]
    assert states(told, silences=[silence(model="b")]) == [("HighLatency", "firing", "Prometheus")]
    assert states(told, silences=[silence(column="x")]) == [("HighLatency", "firing", "Prometheus")]


def test_an_inhibited_alert_is_the_consequence_of_a_named_one():
    cause = held("f0", alertname="ServiceDown", job="collector", model="", version="")
    found = alert_list.merged(alert_list.of_alertmanager([held(inhibited_by=["f0"]), cause], ()))
    assert [(n.name, n.state, n.cause) for n in found] == [
        ("ServiceDown", "firing", ""), ("HighLatency", "consequence", "ServiceDown of collector"),
    ]  # fmt: skip


def test_grafanas_copy_of_an_alert_is_no_alert_of_its_own():
    """Alertmanager holds it back because of the original."""
    copy = {"grafana_folder": "Pilothouse", "__alert_rule_uid__": "ph-latencyhigh"}
    found = alert_list.of_alertmanager([held("f1"), held("f2", inhibited_by=["f1"], **copy)], ())
    assert [(n.state, n.labels) for n in found] == [("firing", LABELS)]
    (alone,) = alert_list.of_alertmanager([held("f2", **copy)], ())
    assert (alone.state, alone.labels) == ("firing", LABELS)


def test_an_alert_that_ended_in_silence_is_perhaps_over():
    """The inbox is not told of that end, but Prometheus, which has the rule, knows of no such alert."""
    of_ours, foreign = inbox_alert(), inbox_alert(name="Foreign", labels={"alertname": "Foreign"})
    rules = [AlertRule(name="HighLatency", state="inactive")]
    doubted = alert_list.doubted(alert_list.of_inbox([of_ours, foreign]), rules)
    assert states(doubted) == [("Foreign", "firing", "the inbox"), ("HighLatency", "perhaps over", "the inbox")]
    assert states(alert_list.of_alertmanager([held()], ()), doubted)[0] == ("HighLatency", "firing", "Alertmanager")


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
