"""`PILOTHOUSE_WORKERS=2`: two real processes on one port, seen from outside."""

import json
import os
import re
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import httpx2
import psutil
import pytest

from testkit.ports import free_port
from testkit.waiting import wait_for

ROOT = Path(__file__).parents[3]
SECONDS = 120


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Address and supervisor process."""
    state, port = tmp_path_factory.mktemp("state"), free_port()
    environment = os.environ | {
        "INFERENCE_PORT": str(port),
        "WORKERS": "2",
        "PILOTHOUSE_STATE": str(state),
        "PILOTHOUSE_COLLECTOR_URL": "http://127.0.0.1:1",
        "PILOTHOUSE_STOP_SECONDS": "5",
    }
    with (state / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.inference"], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: ready(url), SECONDS, (state / "log").read_text)
        yield url, process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def house(service):
    url, _ = service
    return json.dumps(httpx2.get(f"{url}/models/house-prices", timeout=20).json()["examples"][0])


def ready(url):
    try:
        return httpx2.get(f"{url}/health/ready", timeout=10).status_code == 200
    except httpx2.TransportError:
        return False


def metric(url, name):
    text = httpx2.get(f"{url}/metrics", timeout=20).text
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


def predict(url, house, times):
    """Each over a connection of its own, so that the kernel chooses a worker each time."""
    for _ in range(times):
        connection = HTTPConnection(url.removeprefix("http://"), timeout=20)
        connection.request("POST", "/models/house-prices/predict", house)
        assert connection.getresponse().status == 200
        connection.close()


def workers(process):
    return [p for p in psutil.Process(process.pid).children() if "--worker" in p.cmdline()]


ANSWERED = "pilothouse_predictions_total"


def test_one_scrape_counts_what_all_workers_answered(service, house):
    url, process = service
    before = metric(url, ANSWERED)
    predict(url, house, 40)
    assert [metric(url, ANSWERED) - before for _ in range(6)] == [40] * 6
    assert metric(url, "pilothouse_workers") == len(workers(process)) == 2
    assert metric(url, "pilothouse_model_loaded") == 2  # two models, loaded in both


def test_both_workers_answer(service, house):
    url, process = service
    before = {p.pid: sum(p.cpu_times()[:2]) for p in workers(process)}
    predict(url, house, 300)
    after = {p.pid: sum(p.cpu_times()[:2]) for p in workers(process)}
    assert all(after[pid] > before[pid] for pid in before)


def test_a_killed_worker_is_replaced_and_what_it_counted_stays(service, house):
    url, process = service
    predict(url, house, 20)
    counted, restarts = metric(url, ANSWERED), metric(url, "pilothouse_worker_restarts_total")
    victim = workers(process)[0]
    victim.send_signal(signal.SIGKILL)
    victim.wait(10)
    wait_for(lambda: metric_or_none(url, "pilothouse_worker_restarts_total") == restarts + 1)
    assert metric(url, ANSWERED) == counted
    wait_for(lambda: ready(url))
    assert victim.pid not in {p.pid for p in workers(process)}
    predict(url, house, 20)
    assert metric(url, ANSWERED) == counted + 20


def metric_or_none(url, name):
    try:
        return metric(url, name)
    except httpx2.TransportError:  # a connection that the kernel had given to the killed one
        return None


def test_sigterm_stops_all_of_them_in_time(service):
    _, process = service
    running = workers(process)
    process.terminate()
    assert process.wait(20) == 0
    assert not [p for p in running if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
