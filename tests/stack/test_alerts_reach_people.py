"""`make run` with a real Prometheus and Alertmanager: from a verdict, and from a fault, to the message at a person."""

import shutil
import signal
import sys
import time
from datetime import UTC, datetime

import httpx2
import pytest

from demo.scenes import house_scenes
from pilothouse.client import Client
from pilothouse.commands.predictions import send
from testkit.ports import free_ports
from testkit.stack.alertmanager import MISSING
from testkit.stack.processes import Stack
from testkit.stack.prometheus import Prometheus, impatient_config, soon_over_config
from testkit.stack.receivers import Mailbox, mail_server, web_server
from testkit.waiting import wait_for

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or MISSING, reason="no Prometheus, or no Alertmanager (Debian has both)"
)
SERVICES = ("inference", "collector", "drift", "frontend")
PAGE = "https://watch.example.com"
PROMISED_SECONDS = 120  # from the verdict to the message


class Watched:
    """A stack with its Prometheus and Alertmanager; `channels` are its settings for messages."""

    def __init__(self, folder, config, **channels):
        self.folder, self.predicted = folder, 0
        self.ports = dict(zip((*SERVICES, "prometheus", "alertmanager"), free_ports(6), strict=True))
        self.environment = {f"{n.upper()}_PORT": str(p) for n, p in self.ports.items()} | {
            "PILOTHOUSE_STATE": str(folder / "state"),
            "PILOTHOUSE_PROMETHEUS_CONFIG": str(config),
            "PILOTHOUSE_PUBLIC_URL": PAGE,
            "PILOTHOUSE_LOG_LEVEL": "warning",
            "PILOTHOUSE_COLLECTOR_TIMEOUT_SECONDS": "3",
        } | {f"PILOTHOUSE_ALERT_{name.upper()}": value for name, value in channels.items()}  # fmt: skip
        self.prometheus = Prometheus(self.ports["prometheus"])

    def hurry(self, **intervals):
        """Shorten intervals of the Alertmanager that runs."""
        path = self.folder / "state/alertmanager/alertmanager.yml"
        text = path.read_text()
        for name, value in intervals.items():
            before, _, after = text.partition(f"{name}: ")
            text = f"{before}{name}: {value}\n{after.partition(chr(10))[2]}"
        path.write_text(text)
        httpx2.post(f"{self.alertmanager}/-/reload").raise_for_status()

    @property
    def alertmanager(self):
        password = (self.folder / "state/alertmanager/password").read_text()
        return f"http://pilothouse:{password}@127.0.0.1:{self.ports['alertmanager']}"

    def address(self, service):
        return f"http://127.0.0.1:{self.ports[service]}"

    def judged(self, scene, rows):
        """Predict a scene's rows, and the verdict on them."""
        with Client(self.address("inference")) as client:
            manifest = client.manifest("house-prices")
            clean, drifting = house_scenes(manifest, rows)
            sent = {"clean": clean, "drifting": drifting}[scene].requests
            answers = sum(len(some) for some in send(client, manifest, sent, 50))
        self.predicted += answers
        wait_for(lambda: self.stored() == self.predicted, 60, lambda: f"{self.stored()} of {self.predicted}")
        answer = httpx2.post(f"{self.address('drift')}/drift/run", params={"model": "house-prices"}, timeout=60)
        return answer.json()

    def stored(self):
        models = httpx2.get(f"{self.address('collector')}/v1/stats").json()["models"]
        return sum(m["records"] for m in models)

    def state(self, alert, about):
        return self.prometheus.alerts().get((alert, about), {}).get("state")


def started(watched):
    return Stack(sys.executable, "-m", "stack", environment=watched.environment)


def test_drift_is_one_message_within_two_minutes_of_the_verdict_and_one_when_it_is_over(tmp_path):
    with mail_server(Mailbox()) as mailbox:
        config = soon_over_config(tmp_path / "prometheus", 20)
        mail = {"email_to": "ann@example.com", "smtp": f"127.0.0.1:{mailbox.port}", "smtp_tls": "false"}
        watched = Watched(tmp_path, config, **mail)
        with started(watched) as stack:
            stack.until(r"Alerts go to email \(ann@example.com", seconds=120)
            watched.hurry(group_interval="5s")
            verdict = watched.judged("drifting", 300)
            assert verdict["verdict"] == "drift"
            wait_for(lambda: watched.state("DriftDetected", "house-prices") == "firing", PROMISED_SECONDS)
            copy = grafanas_copy(watched)
            post(watched, copy)
            wait_for(lambda: mailbox.messages, PROMISED_SECONDS, lambda: stack.output)
            took = time.time() - datetime.fromisoformat(verdict["at"]).timestamp()
            assert took < PROMISED_SECONDS
            (text,) = mailbox.texts()
            assert text.startswith("Warning: recent data of house-prices 1 have drifted from its reference\n")
            assert "\ndrift in sale_date: score 1." in text
            for path in ("drift", "drift-report"):
                assert f"{PAGE}/{path}?model=house-prices&version=1\n" in text
            assert "127.0.0.1" not in text

            assert watched.judged("clean", 1000)["verdict"] == "no drift"
            post(watched, copy | {"endsAt": datetime.now(UTC).isoformat()})
            wait_for(lambda: len(mailbox.messages) > 1, 90, lambda: stack.output)
            assert mailbox.texts()[1].startswith("Over: recent data of house-prices 1 have drifted")
            time.sleep(12)  # more than twice as long as until a further message would come
            assert len(mailbox.messages) == 2, mailbox.texts()
            (kept,) = httpx2.get(f"{watched.address('collector')}/v1/alerts").json()["alerts"]
            assert (kept["name"], kept["status"]) == ("DriftDetected", "resolved")


def grafanas_copy(watched):
    """What the contact point of Grafana posts while the rule of the same name fires there."""
    labels = watched.prometheus.alerts()["DriftDetected", "house-prices"]["labels"]
    own = {"__alert_rule_uid__": "ph-driftdetected", "__alert_rule_namespace_uid__": "a1b2"}
    return {
        "labels": labels | own,
        "annotations": {"summary": "the same, said by Grafana"},
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
    }


def post(watched, alert):
    httpx2.post(f"{watched.alertmanager}/api/v2/alerts", json=[alert]).raise_for_status()


@pytest.fixture(scope="module")
def misconfigured(tmp_path_factory):
    """A stack that may not log in at the mail server, and whose webhook leads nowhere; Slack works."""
    folder = tmp_path_factory.mktemp("misconfigured")
    with mail_server(Mailbox(password="right")) as mailbox, web_server() as web:
        watched = Watched(
            folder, impatient_config(folder / "prometheus"), email_to="ann@example.com",
            smtp=f"127.0.0.1:{mailbox.port}", smtp_tls="false", smtp_user="ann", smtp_password="wrong",
            webhook_url="http://no-such-host.invalid/x", slack_url=f"{web.url}/slack",
        )  # fmt: skip
        with started(watched) as stack:
            watched.stack, watched.web = stack, web
            stack.until("Ctrl-C stops everything", seconds=120)
            watched.hurry(group_wait="3s", group_interval="5s")
            yield watched


def titles(watched):
    return [attachment["title"] for body in watched.web.at("/slack") for attachment in body["attachments"]]


def test_a_wrong_password_and_a_wrong_address_are_said_by_what_works_and_stop_nothing(misconfigured):
    output = " ".join(misconfigured.stack.output.split())
    assert "Alerts do not go out by email" in output
    assert "refuses the user or the password: 535" in output
    assert "no-such-host.invalid:80: there is no such host" in output
    wait_for(lambda: [t for t in titles(misconfigured) if "alerts do not arrive by " in t], 60)
    shown = httpx2.get(f"{misconfigured.address('frontend')}/metrics").text
    assert 'pilothouse_page_alert_channel_works{integration="email"} 0.0' in shown
    assert 'pilothouse_page_alert_channel_works{integration="slack"} 1.0' in shown
    failed = 'alertmanager_notifications_failed_total{integration="email"} > 0'
    wait_for(lambda: misconfigured.prometheus.values(failed), 60)


def test_a_service_that_does_not_answer_is_one_message_and_what_follows_from_it_is_silent(misconfigured):
    # at the start they do not answer, for longer than the five seconds of this test
    wait_for(lambda: "ServiceDown" not in {name for name, _ in misconfigured.prometheus.alerts()}, 60)
    earlier = len(titles(misconfigured))
    (collector,) = [p for p in misconfigured.stack.tree() if "services.collector" in p.cmdline()]
    collector.send_signal(signal.SIGSTOP)
    try:
        with Client(misconfigured.address("inference")) as client:
            manifest = client.manifest("house-prices")
            clean, _ = house_scenes(manifest, 5)
            list(send(client, manifest, clean.requests, 5))
        wait_for(lambda: misconfigured.state("CollectorAway", "inference") == "firing", 60)
        down = "Critical: collector does not answer"
        wait_for(lambda: down in titles(misconfigured)[earlier:], 30, lambda: str(titles(misconfigured)))
        query = f"{misconfigured.alertmanager}/api/v2/alerts?filter=alertname=CollectorAway"
        wait_for(lambda: [a for a in httpx2.get(query).json() if a["status"]["state"] == "suppressed"])
        time.sleep(10)  # twice as long as until a further message would come
        new = [title for title in titles(misconfigured)[earlier:] if not title.startswith("Over")]
        assert [title for title in new if "alerts do not arrive" not in title] == [down]
    finally:
        collector.send_signal(signal.SIGCONT)
