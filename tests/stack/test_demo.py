"""`make demo` against a real stack with Prometheus and Alertmanager: no network, other ports, and what it prints."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from testkit.ports import closed_address, free_port, free_ports
from testkit.sources import ROOT
from testkit.stack.processes import Stack

ALERTMANAGERS = ("alertmanager", "prometheus-alertmanager")
pytestmark = pytest.mark.skipif(
    not shutil.which("prometheus") or not any(map(shutil.which, ALERTMANAGERS)),
    reason="no `prometheus` and `alertmanager` (Debian: prometheus, prometheus-alertmanager)",
)
PROGRAMS = ("inference", "collector", "drift", "frontend", "prometheus", "alertmanager")
DEMO = (sys.executable, "-m", "demo")
LONGEST_SECONDS = 120


class Clone:
    """A stack whose ports are in `folder`/.env alone, and demos that are started there."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = dict(zip(PROGRAMS, free_ports(len(PROGRAMS)), strict=True))
        self.settings = {f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        self.page = f"http://127.0.0.1:{self.ports['frontend']}"
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        nowhere = {name: closed_address() for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")}
        mine = {k: v for k, v in os.environ.items() if not k.startswith("PILOTHOUSE_") and not k.endswith("_PORT")}
        self.environment = mine | nowhere | {
            "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder),
        }  # fmt: skip

    def demo(self, *options, **more):
        return subprocess.run(
            [*DEMO, *options], cwd=self.folder, env=self.environment | more, text=True, capture_output=True,
            timeout=LONGEST_SECONDS, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    clone = Clone(tmp_path_factory.mktemp("clone"))
    settings = clone.settings | {"PILOTHOUSE_STATE": str(clone.folder / "state"), "PILOTHOUSE_LOG_LEVEL": "warning"}
    with Stack(sys.executable, "-m", "stack", environment=settings, folder=ROOT) as stack:
        stack.until("Ctrl-C stops", seconds=120)
        yield clone


@pytest.fixture(scope="module")
def first(clone):
    begun = time.monotonic()
    done = clone.demo()
    done.seconds = time.monotonic() - begun
    return done


def test_it_tells_both_stories_in_two_minutes_without_a_network(first):
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.seconds < LONGEST_SECONDS
    verdicts = re.findall(r"^(\S+) 1: (drift|no drift)\s*$", first.stdout, re.MULTILINE)
    assert verdicts == [
        ("house-prices", "no drift"), ("house-prices", "drift"),
        ("fashion-mnist", "no drift"), ("fashion-mnist", "drift"), ("fashion-mnist", "drift"),
    ]  # fmt: skip


def test_where_there_is_no_terminal_it_writes_plain_lines(first):
    assert "house-prices: 1000 held-out sales of 1993-95\n" in first.stdout
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", first.stdout)
    assert first.stderr == ""


@pytest.mark.parametrize("model", ["house-prices", "fashion-mnist"])
def test_it_shows_the_message_that_the_drift_alert_sent(clone, first, model):
    found = re.search(
        rf"DriftDetected of {model}: the message arrived (\d+) s after the verdict:\n((?:  .*\n)+)", first.stdout
    )
    assert found, first.stdout
    assert int(found[1]) < LONGEST_SECONDS
    assert f"recent data of {model} 1 have drifted" in found[2] and "since: 20" in found[2]
    assert re.search(r"score \d+\.\d+, drifted from \d+\.\d+ on", found[2])
    assert f"report: {clone.page}/drift-report?model={model}" in found[2]


def test_it_ends_with_addresses_that_lead_to_what_it_showed(clone, first):
    assert f"\nThe page: {clone.page}\n" in first.stdout
    assert f"  {clone.page}/drift-report?model=fashion-mnist  " in first.stdout


def test_while_the_alert_still_fires_a_second_demo_says_that_nobody_is_told_again(clone, first):
    done = clone.demo()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("has fired since before this demo, so nobody is told again") == 2
    assert "after the verdict" not in done.stdout


def test_without_a_prometheus_it_says_so_instead_of_waiting(clone, first):
    port = free_port()
    done = clone.demo(PROMETHEUS_PORT=str(port))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"No message about the drift is waited for: no Prometheus answers at http://127.0.0.1:{port}" in done.stdout


def test_an_interrupt_ends_it_at_once_in_a_sentence(clone, first):
    with Stack(*DEMO, environment=clone.environment, folder=clone.folder) as demo:
        demo.until("1000 sales of 1998")
        demo.interrupt()
        assert demo.end(5) == 130
        assert demo.lines[-1] == "Stopped. What was sent until now is stored."
        assert "Traceback" not in demo.output


def test_a_stack_that_is_not_there_is_named_with_the_address_that_was_asked(tmp_path):
    away = Clone(tmp_path)
    done = away.demo()
    assert done.returncode == 1
    assert done.stdout == "Is the stack running? `make run` starts it, in another terminal.\n"
    assert f"http://127.0.0.1:{away.ports['collector']}" in done.stderr
