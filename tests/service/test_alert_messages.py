"""What people get: a real Alertmanager with the generated configuration, sending to real servers of the loopback."""

import re
import subprocess
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from monitoring.definitions import read
from stack.alert_channels import channels
from stack.alert_settings import AlertSettings
from stack.alertmanager import write
from testkit.stack import alertmanager as rig
from testkit.stack.receivers import Mailbox, mail_server, web_server
from testkit.waiting import wait_for

pytestmark = pytest.mark.skipif(rig.MISSING, reason="there is no Alertmanager on this machine")
ALERTS = {alert.name: alert for alert in read().alerts.every()}
PAGE = "https://watch.example.com"
DETAILS = "area: score 0.41, drifted from 0.12 on\nyear: score 0.30, drifted from 0.11 on\n"
BEGAN = datetime.now(UTC) - timedelta(minutes=5)
OF_GRAFANA = {"__alert_rule_uid__": "ph-driftdetected", "__alert_rule_namespace_uid__": "afq2"}
QUIET_SECONDS = 3  # several times the intervals of `hurried`


def fired(name, ended=False, details="", summary=None, began=None, **labels):
    """The alert as Prometheus posts it when it begins, and with `ended` its end."""
    alert = ALERTS[name]
    annotations = {
        "summary": summary or re.sub(r"\{\{.*?\}\}", "it", alert.summary),
        "description": alert.description,
        "page_url": f"{PAGE}/drift?model=houses&version=1",
        "runbook_url": f"{PAGE}/runbooks?alert={name}",
    } | ({"details": details, "report_url": f"{PAGE}/drift-report?model=houses&version=1"} if details else {})
    now = datetime.now(UTC)
    return {
        "labels": {"alertname": name, "severity": alert.severity} | labels,
        "annotations": annotations,
        "startsAt": (began or now).isoformat(),
        "endsAt": (now if ended else now + timedelta(minutes=4)).isoformat(),
    }


HOUSES = {"model": "houses", "version": "1", "job": "drift", "instance": "d:8002"}
DRIFT = {"details": DETAILS, "summary": "recent data of houses 1 have drifted from its reference", **HOUSES}


def hurried(folder):
    """Its intervals are a second, instead of ten and sixty."""
    path = folder / "alertmanager.yml"
    path.write_text(
        path.read_text().replace("group_wait: 10s", "group_wait: 1s").replace("interval: 1m", "interval: 1s")
    )


class Receivers:
    """The mailbox, the web server that stands for all other channels, and the Alertmanager that sends to them."""

    def __init__(self, mailbox, web, sender):
        self.mailbox, self.web, self.sender = mailbox, web, sender

    def mails(self, count):
        """The texts of so many mails, once they are there and no further one has come."""
        wait_for(lambda: len(self.mailbox.messages) >= count, 20, self.mailbox.texts)
        stop = datetime.now(UTC) + timedelta(seconds=QUIET_SECONDS)
        wait_for(lambda: datetime.now(UTC) > stop)
        assert len(self.mailbox.messages) == count, self.mailbox.texts()
        return self.mailbox.texts()


def version():
    said = subprocess.run([rig.PROGRAM, "--version"], capture_output=True, text=True, check=True)
    return tuple(int(n) for n in re.search(r"version (\d+)\.(\d+)", said.stdout + said.stderr).groups())


@pytest.fixture
def people(tmp_path):
    with mail_server(Mailbox(password="right")) as mailbox, web_server() as web:
        settings = AlertSettings(
            email_to="ann@example.com", smtp=f"127.0.0.1:{mailbox.port}", smtp_tls="false", smtp_user="ann",
            smtp_password="right", email_from="pilothouse@example.com", slack_url=f"{web.url}/slack",
            pagerduty_key="routing-key", pagerduty_url=f"{web.url}/pagerduty", webhook_url=f"{web.url}/hook",
            teams_url=f"{web.url}/teams",
        )  # fmt: skip
        write(tmp_path, channels(settings, version()), inbox=f"{web.url}/inbox")
        hurried(tmp_path)
        with rig.alertmanager(tmp_path) as sender:
            yield Receivers(mailbox, web, sender)


def test_drift_is_one_mail_that_says_what_moved_and_where_to_look_and_one_when_it_is_over(people):
    people.sender.post(fired("DriftDetected", began=BEGAN, **DRIFT))
    (mail,) = people.mails(1)
    assert (
        mail
        == f"""Warning: recent data of houses 1 have drifted from its reference
recent data of houses 1 have drifted from its reference
Since {BEGAN:%a} {BEGAN.day} {BEGAN:%b %H:%M} UTC. (model houses, version 1, warning)

{ALERTS["DriftDetected"].description}

{DETAILS}
Page: {PAGE}/drift?model=houses&version=1
Report: {PAGE}/drift-report?model=houses&version=1
Runbook: {PAGE}/runbooks?alert=DriftDetected
"""
    )
    (html,) = people.mailbox.html()
    assert 'name="viewport"' in html
    assert re.findall(r'href="([^"]*)"', html) == re.findall(r"https://\S*(?<=[\w])", mail.replace("&", "&amp;"))
    people.sender.post(fired("DriftDetected", ended=True, began=BEGAN, **DRIFT))
    over = people.mails(2)[1]
    assert over.startswith("Over: recent data of houses 1 have drifted from its reference\n")
    assert re.search(r"It is over: it lasted \d+m\d+s, from \w{3} \d+ \w{3} \d\d:\d\d to \d\d:\d\d UTC\.", over)


def test_every_channel_says_it_in_its_own_form(people):
    people.sender.post(fired("DriftDetected", **DRIFT))
    wait_for(lambda: {path for path, _ in people.web.posted} >= {"/slack", "/pagerduty", "/hook", "/inbox"}, 20)
    (slack,) = people.web.at("/slack")[0]["attachments"]
    assert slack["title"] == "Warning: recent data of houses 1 have drifted from its reference"
    assert (slack["color"], slack["title_link"]) == ("warning", f"{PAGE}/drift?model=houses&version=1")
    assert DETAILS in slack["text"]
    assert f"<{PAGE}/drift-report?model=houses&version=1|Report>" in slack["text"]
    (pager,) = people.web.at("/pagerduty")
    assert (pager["routing_key"], pager["event_action"]) == ("routing-key", "trigger")
    assert pager["payload"]["summary"] == slack["title"]
    assert pager["payload"]["severity"] == "warning"
    assert pager["payload"]["custom_details"]["what"] == people.mails(1)[0].partition("\n")[2].rstrip("\n") + "\n"
    assert "Source: " not in str(pager["payload"]["custom_details"])  # what Alertmanager says of its own
    for path in ("/hook", "/inbox"):
        (alert,) = people.web.at(path)[0]["alerts"]
        assert alert["annotations"]["details"] == DETAILS
    people.sender.post(fired("DriftDetected", ended=True, **DRIFT))
    wait_for(lambda: len(people.web.at("/slack")) == len(people.web.at("/pagerduty")) == 2, 20)
    assert people.web.at("/slack")[1]["attachments"][0]["color"] == "good"
    assert people.web.at("/pagerduty")[1]["event_action"] == "resolve"
    assert people.web.at("/pagerduty")[1]["dedup_key"] == pager["dedup_key"]


@pytest.mark.skipif(rig.PROGRAM is None or version() < (0, 28), reason="Teams needs Alertmanager 0.28")
def test_teams_gets_a_card(people):
    people.sender.post(fired("DriftDetected", **DRIFT))
    wait_for(lambda: people.web.at("/teams"), 20)
    (card,) = people.web.at("/teams")[0]["attachments"]
    title, text = (block["text"] for block in card["content"]["body"])
    assert title == "Warning: recent data of houses 1 have drifted from its reference"
    assert f"[Report]({PAGE}/drift-report?model=houses&version=1)" in text
    assert "area: score 0.41, drifted from 0.12 on\n\nyear" in text


def test_alerts_of_one_model_are_one_message_and_those_of_one_service_another(people):
    people.sender.post(
        fired("DriftDetected", **DRIFT),
        fired("DataMissing", column="area", **HOUSES),
        fired("LatencyHigh", model="houses", stage="total"),
        fired("DriftDetected", summary="flats drift", model="flats", version="1", job="drift"),
        fired("MemoryNearLimit", job="drift", instance="d:8002"),
        fired("Restarts", job="drift", instance="d:8002"),
        fired("DiskNearlyFull", summary="inference has little disk", job="inference"),
    )
    subjects = sorted(mail.partition("\n")[0] for mail in people.mails(4))
    assert [s.rpartition(" (")[2] for s in subjects if s.endswith("alerts)")] == ["2 alerts)", "3 alerts)"]
    assert {"Critical: inference has little disk", "Warning: flats drift"} <= set(subjects)


def test_ten_alerts_of_a_model_are_told_in_full_and_the_others_counted(people):
    people.sender.post(*(fired("DataMissing", column=f"column{n}", **HOUSES) for n in range(14)))
    (mail,) = people.mails(1)
    more = "And more: 14 alerts in all, on the page."
    assert (mail.count("Since "), mail.count(more)) == (10, 1)
    assert (people.mailbox.html()[0].count("Since "), people.mailbox.html()[0].count(more)) == (10, 1)
    (slack,) = people.web.at("/slack")[0]["attachments"]
    assert (slack["text"].count("Since "), slack["text"].count(more)) == (10, 1)


def test_what_follows_from_a_service_that_is_down_is_silent_and_the_rest_is_not(people):
    people.sender.post(
        fired("ServiceDown", summary="collector does not answer", job="collector", instance="c:8001"),
        fired("CollectorAway", job="inference", instance="i:8000"),
        fired("SpoolOld", job="inference", instance="i:8000"),
        fired("DriftStale", **HOUSES),
        fired("ErrorRatioHigh", job="collector"),
        fired("ErrorRatioHigh", job="drift"),
        fired("AlertsNotDelivered", integration="webhook"),
        fired("DriftDetected", **DRIFT),
        fired("RecordsDropped", summary="records will not reach the collector: full", job="inference", reason="full"),
    )
    assert sorted(mail.partition("\n")[0] for mail in people.mails(3)) == [
        "Critical: collector does not answer",
        "Critical: records will not reach the collector: full",
        "Warning: recent data of houses 1 have drifted from its reference",
    ]


def test_what_grafana_says_too_is_sent_once_whenever_it_comes_and_goes(people):
    copy = DRIFT | OF_GRAFANA | {"details": ""}
    people.sender.post(fired("DriftDetected", **DRIFT))
    people.mails(1)
    people.sender.post(fired("DriftDetected", **copy))
    people.sender.post(fired("DataMissing", column="area", **HOUSES))  # the model's message is sent anew
    assert people.mails(2)[1].count("have drifted from its reference\nSince") == 1
    people.sender.post(fired("DriftDetected", ended=True, began=BEGAN, **copy))
    people.mails(2)
    people.sender.post(fired("DriftDetected", ended=True, began=BEGAN, **DRIFT))
    assert people.mails(3)[2].count("It is over") == 1


def test_what_grafana_alone_says_is_sent(people):
    people.sender.post(fired("ServiceDown", summary="Prometheus does not answer", **OF_GRAFANA))
    assert people.mails(1)[0].startswith("Critical: Prometheus does not answer\n")


def test_an_alert_with_nothing_but_a_name_is_sent_as_well(people):
    people.sender.post({"labels": {"alertname": "Handmade"}})
    (mail,) = people.mails(1)
    assert mail.startswith("Alert: Handmade\nHandmade\nSince ")
    assert "Page" not in mail


def test_a_message_that_does_not_arrive_is_counted_and_the_others_arrive(people):
    people.web.status = 404
    people.sender.post(fired("DriftDetected", **DRIFT))
    people.mails(1)

    def failed():
        text = httpx2.get(f"{people.sender.url}/metrics").text
        counts = re.findall(
            r'^alertmanager_notifications_failed_total\{integration="(\w+)".*\} (\d+)', text, re.MULTILINE
        )
        return {name for name, count in counts if count != "0"}

    wait_for(lambda: failed() >= {"slack", "webhook"}, 30)
    assert "email" not in failed()
