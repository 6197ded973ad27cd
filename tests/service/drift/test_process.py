"""The service as it is run: `python -m services.drift`, over the packed models."""

import os
import signal
import subprocess
import sys
import time

import httpx2
import psutil
import pytest

from testkit.drift.real import MODELS, house_frames, house_inputs, image_inputs, image_sets, packed, parts
from testkit.ports import free_port
from testkit.waiting import wait_for

ROWS = 400
READY_CPU_SECONDS = 3
IDLE_BYTES = 150e6
HEAVY = ("pandas", "sklearn", "scipy")  # of the report worker alone


def log(collector, name, inputs):
    model = packed(name)
    rows = [list(row) for part in parts(inputs) for row in model.log_rows(part, model.run(part))]
    collector.announce(model.manifest)
    collector.log(model.manifest, [c.name for c in model.columns_logged], rows)


@pytest.fixture(scope="module")
def logged(collector):
    """Records of both models, so that both are calibrated and scored."""
    log(collector, "house-prices", house_inputs(house_frames()["held_out"].sample(ROWS, random_state=1)))
    log(collector, "fashion-mnist", image_inputs(image_sets(2 * ROWS, ROWS)["same"][:ROWS]))
    return collector


@pytest.fixture
def process(tmp_path, logged):
    """The running process and its address."""
    port = free_port()
    environment = {**os.environ, "DRIFT_PORT": str(port), "PILOTHOUSE_MODELS": str(MODELS),
                   "PILOTHOUSE_STATE": str(tmp_path), "PILOTHOUSE_COLLECTOR_URL": logged.url}  # fmt: skip
    with subprocess.Popen([sys.executable, "-m", "services.drift"], env=environment) as process:
        yield psutil.Process(process.pid), f"http://127.0.0.1:{port}"
        process.kill()


def answers(url):
    try:
        return httpx2.get(f"{url}/health/ready").is_success
    except httpx2.TransportError:
        return False


def get(url, path, **query):
    answer = httpx2.get(f"{url}{path}", params=query, timeout=130)
    assert answer.status_code == 200, answer.text
    return answer


def test_it_is_ready_soon(process):
    """In processor time: other programs on the machine do not count."""
    running, url = process
    wait_for(lambda: answers(url), 60)
    spent = running.cpu_times()
    assert spent.user + spent.system < READY_CPU_SECONDS


def test_it_scores_both_models_in_little_memory(process):
    running, url = process
    wait_for(lambda: answers(url), 60)
    for model, together in (("house-prices", "features"), ("fashion-mnist", "embedding")):
        said = get(url, "/drift", model=model).json()
        assert said["verdict"] == "no drift"
        assert [(j["name"], j["status"]) for j in said["joint"]] == [(together, "compared")]
        get(url, "/drift/distributions", model=model)
    get(url, "/drift/embedding", model="fashion-mnist")
    time.sleep(1)
    assert running.memory_info().rss < IDLE_BYTES


def test_what_the_report_needs_stays_in_its_worker_which_never_outlives_the_service(process):
    running, url = process
    wait_for(lambda: answers(url), 60)
    get(url, "/drift-report", model="house-prices", wait=120)
    loaded = {library for m in running.memory_maps() for library in HEAVY if f"/{library}/" in m.path}
    assert loaded == set()
    (worker,) = running.children()
    running.send_signal(signal.SIGKILL)
    wait_for(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
