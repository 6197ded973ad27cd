"""The real services as processes, as `make run` starts them, from nothing to stored predictions and a clean end.

They are started from another folder than the clone's, which must make no difference.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from pilothouse.client import Client
from testkit.ports import free_ports, is_held
from testkit.stack.processes import Stack, alive, left_after
from testkit.waiting import wait_for

SERVICES = ("inference", "collector", "drift", "frontend")
MODELS = ("fashion-mnist", "house-prices")


ROOT = Path(__file__).resolve().parents[2]


class Running:
    """The stack, ready, and where its services are."""

    def __init__(self, state):
        self.ports = dict(zip(SERVICES, free_ports(4), strict=True))
        self.environment = {f"{n.upper()}_PORT": str(p) for n, p in self.ports.items()}
        self.environment |= {"PILOTHOUSE_STATE": str(state), "PILOTHOUSE_PROMETHEUS": "off", "PYTHONPATH": str(ROOT)}
        self._folder = state.parent

    def start(self):
        begun = time.monotonic()
        stack = Stack(sys.executable, "-m", "stack", environment=self.environment, folder=self._folder)
        stack.until("Ctrl-C stops", seconds=60)
        self.start_seconds = time.monotonic() - begun
        return stack

    def address(self, service):
        return f"http://127.0.0.1:{self.ports[service]}"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    return Running(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def stack(running):
    with running.start() as stack:
        yield stack


def stored(running):
    models = httpx2.get(f"{running.address('collector')}/v1/stats").json()["models"]
    return {m["model"]: m["records"] for m in models}


@pytest.mark.usefixtures("stack")
def test_a_prediction_of_every_model_is_stored_and_the_drift_service_answers(running):
    environment = os.environ | running.environment
    command = [sys.executable, "-m", "stack.smoke"]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for model in MODELS:
        assert re.search(rf"^{model}/\S+: .* stored .* drift: unknown$", done.stdout, re.MULTILINE)


def test_prints_where_everything_is(running, stack):
    for service in SERVICES:
        assert running.address(service) in stack.output


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.usefixtures("stack")
def test_every_service_answers_health_and_metrics(running, service):
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert httpx2.get(running.address(service) + path).status_code == 200


def test_nothing_phones_home(running, stack):
    """After predictions, a report and a page, no process has talked to another machine, and each was told not to."""
    httpx2.get(f"{running.address('drift')}/drift-report", params={"model": "house-prices", "wait": 90}, timeout=120)
    httpx2.get(running.address("frontend"))
    tree = [p for p in stack.tree() if alive(p)]
    far = [c.raddr for p in tree for c in p.net_connections() if c.raddr and not c.raddr.ip.startswith("127.")]
    assert far == []
    services = [p for p in tree if any(part.startswith("services.") for part in p.cmdline())]
    assert len(services) >= len(SERVICES)
    for process in services:
        told = process.environ()
        assert (told["ORT_DISABLE_TELEMETRY"], told["DO_NOT_TRACK"]) == ("1", "1")


def test_a_killed_service_is_started_again_and_no_record_is_missing(running, stack):
    with Client(running.address("inference")) as client:
        examples = client.manifest("house-prices").examples
        (collector,) = [p for p in stack.tree() if "services.collector" in p.cmdline()]
        collector.kill()
        stack.until(r"collector ended \(killed by SIGKILL\)")
        made = [p["id"] for p in client.predict("house-prices", examples[:1] * 5)]  # nobody is there to take these
    stack.until("collector is ready again")
    wait_for(lambda: set(made) <= set(newest(running, "house-prices")))
    assert len(set(newest(running, "house-prices"))) == len(newest(running, "house-prices"))


def newest(running, model):
    """Ids of the newest records."""
    query = {"model": model, "version": "1", "last": 50}
    answer = httpx2.get(f"{running.address('collector')}/v1/records", params=query)
    return [r["id"] for r in answer.json()["records"]] if answer.status_code == 200 else []


def test_ends_cleanly_and_the_second_start_takes_less_than_15_seconds(running, stack):
    tree = stack.tree()
    counts = stored(running)
    stack.interrupt()
    assert stack.end(30) == 0
    assert left_after(tree, 0) == []
    assert not any(is_held(p) for p in running.ports.values())
    with running.start() as again:
        assert running.start_seconds < 15
        assert stored(running) == counts
        again.interrupt()
        assert again.end(30) == 0


def test_the_state_folder_belongs_to_one_stack(running, tmp_path):
    with running.start():
        other = Running(tmp_path)
        other.environment["PILOTHOUSE_STATE"] = running.environment["PILOTHOUSE_STATE"]
        with Stack(sys.executable, "-m", "stack", environment=other.environment) as second:
            second.until("another stack runs with the state folder .* set PILOTHOUSE_STATE")
            assert second.end() == 2
