"""The service as it is run: `python -m services.drift`, over the packed models."""

import os
import signal
import subprocess
import sys

import httpx2
import psutil
import pytest

from tests.service.drift.stack import free_port, wait_until
from tests.unit.drift.real import MODELS, house_frames, house_inputs, packed, parts


@pytest.fixture
def process(tmp_path, collector):
    """The running process, with records of one model to score, and its address."""
    model = packed("house-prices")
    inputs = house_inputs(house_frames()["held_out"].sample(500, random_state=1))
    rows = [list(row) for part in parts(inputs) for row in model.log_rows(part, model.run(part))]
    collector.announce(model.manifest)
    collector.log(model.manifest, [c.name for c in model.columns_logged], rows)
    port = free_port()
    environment = {**os.environ, "DRIFT_PORT": str(port), "PILOTHOUSE_MODELS": str(MODELS),
                   "PILOTHOUSE_STATE": str(tmp_path), "PILOTHOUSE_COLLECTOR_URL": collector.url}  # fmt: skip
    with subprocess.Popen([sys.executable, "-m", "services.drift"], env=environment) as process:
        yield process, f"http://127.0.0.1:{port}"
        process.kill()


def answers(url):
    try:
        return httpx2.get(f"{url}/health/ready").is_success
    except httpx2.TransportError:
        return False


def test_it_scores_in_little_memory_and_its_worker_never_outlives_it(process):
    running, url = process
    wait_until(lambda: answers(url), 30)
    said = httpx2.get(f"{url}/drift", params={"model": "house-prices"}, timeout=60).json()
    assert said["verdict"] == "no drift"
    assert psutil.Process(running.pid).memory_info().rss < 150e6
    assert psutil.Process(running.pid).children() == [], "the worker is started when it is first needed"
    query = {"model": "house-prices", "wait": 120}
    assert httpx2.get(f"{url}/drift-report", params=query, timeout=130).status_code == 200
    (worker,) = psutil.Process(running.pid).children()
    os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
