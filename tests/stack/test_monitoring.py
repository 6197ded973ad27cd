"""A real Prometheus watches the running stack: targets, every panel, every alert, and three faults that are made."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import httpx2
import psutil
import pytest

from grafana.__main__ import dashboards
from monitoring.definitions import read
from testkit.ports import free_ports
from testkit.stack.alertmanager import MISSING
from testkit.stack.processes import Stack
from testkit.stack.prometheus import EVERY_SECONDS, Prometheus, impatient_config
from testkit.waiting import wait_for

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="no `prometheus` (Debian: its own package)")
SERVICES = ("inference", "collector", "drift", "frontend")
SOURCE = read()
TARGETS = {
    f"{name}: {panel['title']} {target['refId']}": re.sub(r"\$\w+", ".*", target["expr"])
    for name, content in dashboards(SOURCE).items()
    for panel in content["panels"]
    for target in panel.get("targets", ())
}
# what a healthy stack that nobody looks at has no numbers of
SILENT = {
    "service: Memory B",  # no container, no limit
    "model: Out of range A",
    "model: New categories A",
    "model: Unusable A",
    "pipeline: Records B",  # dropped
    "pipeline: Labels and events B",  # no CloudEvents
    "pipeline: Reports A",
    "pipeline: The page's calls A",
}
# of the machine that the test runs on
SURROUNDINGS = {"DiskNearlyFull", "MemoryNearLimit"}
SLOW_MACHINE = {"LatencyHigh", "ErrorBudgetBurnFast", "ErrorBudgetBurnSlow"}
# looks two minutes back, to when the services did not know each other yet; in earnest it has to last for five
OF_THE_START = {"CollectorAway"}
OF_THE_DEMO = {"DriftDetected", "PerformanceBelowFloorMeasured", "PerformanceBelowFloorEstimated"}


def settle(loud, seconds=60):
    """Wait until nothing is loud any more."""
    deadline = time.monotonic() + seconds
    while still := loud():
        assert time.monotonic() < deadline, still
        time.sleep(0.5)


class Watched:
    """The stack, and the Prometheus that it started."""

    def __init__(self, folder):
        self.ports = dict(zip((*SERVICES, "prometheus", "alertmanager"), free_ports(6), strict=True))
        self.environment = {f"{n.upper()}_PORT": str(p) for n, p in self.ports.items()} | {
            "PILOTHOUSE_STATE": str(folder / "state"),
            "PILOTHOUSE_PROMETHEUS_CONFIG": str(impatient_config(folder / "prometheus")),
            "PILOTHOUSE_LOG_LEVEL": "warning",
        }
        self.prometheus = Prometheus(self.ports["prometheus"])

    def address(self, service):
        return f"http://127.0.0.1:{self.ports[service]}"

    def demo(self, rows):
        urls = {f"PILOTHOUSE_{s.upper()}_URL": self.address(s) for s in SERVICES}
        command = [sys.executable, "-m", "demo", "--rows", str(rows)]
        return subprocess.run(command, env=os.environ | urls, text=True, capture_output=True, timeout=300, check=False)

    def becomes(self, alert, about, state, seconds=60):
        """Wait until an alert is in a state, and what it says."""
        wait_for(lambda: self.prometheus.alerts().get((alert, about), {}).get("state") == state, seconds)
        return self.prometheus.alerts()[alert, about]["annotations"]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    watched = Watched(tmp_path_factory.mktemp("watched"))
    with Stack(sys.executable, "-m", "stack", environment=watched.environment) as stack:
        stack.until(f"prometheus .*:{watched.ports['prometheus']}/alerts", seconds=120)
        watched.stack = stack
        yield watched


@pytest.fixture(scope="module")
def after_demo(watched):
    done = watched.demo(300)
    assert "house-prices 1: drift" in done.stdout, done.stdout + done.stderr
    for _ in range(2):  # now, and not within a minute; twice, because a rate is of at least two samples
        httpx2.post(f"{watched.address('drift')}/drift/run", params={"model": "house-prices"}, timeout=60)
        time.sleep(2 * EVERY_SECONDS)
    return watched


def test_every_target_is_up(watched):
    beside = ("prometheus",) if MISSING else ("prometheus", "alertmanager")
    wait_for(lambda: watched.prometheus.targets() == dict.fromkeys((*SERVICES, *beside), "up"))


def test_a_stack_that_nobody_asks_is_quiet(watched):
    """A while after its start: while it starts, services are away for a moment."""

    def loud():
        alerts = watched.prometheus.alerts().values()
        return [a for a in alerts if a["labels"]["alertname"] not in SURROUNDINGS | OF_THE_START]

    settle(loud)


def test_every_rule_is_healthy(watched):
    def states():
        return {r["health"] for g in watched.prometheus.ask("rules")["groups"] for r in g["rules"]}

    wait_for(lambda: states() == {"ok"})


def test_drift_is_first_pending_and_then_fires_and_nothing_else_does(watched, after_demo):
    said = after_demo.becomes("DriftDetected", "house-prices", "firing")
    assert said["summary"] == "recent data of house-prices 1 have drifted from its reference"
    assert said["runbook_url"] == f"{watched.address('frontend')}/runbooks?alert=DriftDetected"
    pending = 'count_over_time(ALERTS{alertname="DriftDetected", alertstate="pending", model="house-prices"}[10m])'
    assert after_demo.prometheus.values(pending)
    loud = {name for name, _ in after_demo.prometheus.alerts()} - SURROUNDINGS - SLOW_MACHINE - OF_THE_START
    assert loud <= OF_THE_DEMO


@pytest.mark.parametrize("place", TARGETS)
def test_a_panel_has_data(after_demo, place):
    found = bool(after_demo.prometheus.values(TARGETS[place]))
    if place not in SILENT and not found:
        wait_for(lambda: after_demo.prometheus.values(TARGETS[place]), seconds=45)


@pytest.mark.parametrize("alert", SOURCE.alerts.every(), ids=lambda a: a.name)
def test_an_alert_asks_what_prometheus_understands(watched, alert):
    watched.prometheus.values(alert.expr)


def test_a_refused_record_is_an_alert(after_demo):
    record = {"id": "019aa4b0-7c00-7000-8000-000000000000", "prediction": "many"}
    body = {"model": "house-prices", "version": "1", "records": [record]}
    answer = httpx2.post(f"{after_demo.address('collector')}/v1/records", json=body)
    assert answer.json()["rejected"], answer.text
    said = after_demo.becomes("DeadLetters", "house-prices", "firing")
    assert said["summary"].startswith("records of house-prices were refused: ")


def test_a_service_that_hangs_is_an_alert_until_it_goes_on(after_demo):
    (frontend,) = [p for p in after_demo.stack.tree() if "services.frontend" in p.cmdline()]
    frontend.send_signal(signal.SIGSTOP)
    try:
        after_demo.becomes("ServiceDown", "frontend", "pending")
        assert after_demo.becomes("ServiceDown", "frontend", "firing")["summary"] == "frontend does not answer"
    finally:
        psutil.Process(frontend.pid).send_signal(signal.SIGCONT)
    wait_for(lambda: ("ServiceDown", "frontend") not in after_demo.prometheus.alerts())


def test_nothing_that_was_said_has_a_hole_in_it(after_demo):
    for alert in after_demo.prometheus.alerts().values():
        assert not re.search(r"no value|error calling|%!", " ".join(alert["annotations"].values())), alert
