"""The services of k8s/cloudrun/ on the emulator: what is deployed is what is read here and run."""

import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from pilothouse.client import Client
from pilothouse.errors import PilothouseError
from scripts.cloudrun.document import containers, read_service
from scripts.cloudrun.front import Front, look
from scripts.cloudrun.instance import StartFailed
from scripts.cloudrun.local import DATABASE
from scripts.cloudrun.processes import can_isolate
from testkit.postgres import _serve
from testkit.stack.cloudrun import MODEL, Load, World, environment_of, is_ready, read
from testkit.waiting import wait_for

pytestmark = pytest.mark.skipif(bool(can_isolate()), reason=f"no namespaces here: {can_isolate()}")


@pytest.fixture(scope="module")
def database():
    for server in _serve():
        server.sql(f"CREATE DATABASE {DATABASE}")
        yield server


@pytest.fixture(scope="module")
def world(tmp_path_factory, database):
    world = World(tmp_path_factory.mktemp("run", numbered=True), database)
    yield world
    world.close()
    print("\n".join(f"{n} | {line}" for n, line in world.lines[-60:]))  # pytest shows it when a test failed


@pytest.fixture(scope="module")
def predict(world):
    service = world.service("predict")
    service.scale_up()
    return service


@pytest.fixture(scope="module")
def watch(world, predict):
    service = world.service("watch")
    service.scale_up()
    return service


@pytest.fixture
def client(world, predict):
    with Client(world.front(predict), world.key("frontend")) as client:
        yield client


def test_starts_in_the_order_of_the_dependencies(predict):
    assert predict.instance.started_in == ["collector", "inference", "metrics"]


def test_a_prediction_is_a_row_in_the_database(world, client):
    made = client.predict(MODEL, client.manifest(MODEL).examples)
    wait_for(lambda: {p["id"] for p in made} <= set(world.stored()), seconds=30)
    stored = world.stored()
    assert [stored[p["id"]] for p in made] == [1] * len(made)
    assert len(made) == len(client.manifest(MODEL).examples)


def test_only_the_ingress_container_knows_a_port_and_everybody_knows_the_revision(predict):
    running = predict.instance._running
    found = {n: environment_of(c) for n, c in running.items()}
    assert {n: e.get("PORT") for n, e in found.items()} == {"inference": "8000", "collector": None, "metrics": None}
    for variables in found.values():
        assert variables["K_SERVICE"] == variables["K_CONFIGURATION"] == "pilothouse-predict"
        assert variables["K_REVISION"].startswith("pilothouse-predict-00001-")


def test_the_containers_share_a_network_that_reaches_nobody_and_nobody_reaches(predict):
    pids = [c.pid for c in predict.instance._running.values()]
    networks = {Path(f"/proc/{pid}/ns/net").readlink() for pid in pids}
    assert len(networks) == 1
    assert Path("/proc/self/ns/net").readlink() not in networks
    routes = Path(f"/proc/{pids[0]}/net/route").read_text().splitlines()
    assert len(routes) == 1  # the heading


def test_the_spool_lies_in_memory_and_the_user_may_write_nothing_of_ours(predict):
    pid = predict.instance._running["inference"].pid
    mounts = [line.split() for line in Path(f"/proc/{pid}/mounts").read_text().splitlines()]
    (spool,) = [m for m in mounts if m[1].endswith("/state")]
    assert spool[2] == "tmpfs"
    assert "size=262144k" in spool[3]
    assert Path(f"/proc/{pid}").stat().st_uid == 10001


def test_metrics_of_every_container_are_scraped_on_localhost(predict, client):
    def asked(query, label):
        result = read(predict, 13133, f"/api/v1/query?query={quote(query)}")["data"]["result"]
        return {r["metric"].get(label): float(r["value"][1]) for r in result}

    made = client.predict(MODEL, client.manifest(MODEL).examples)
    both = {"local:8000": 1.0, "local:8001": 1.0}
    wait_for(lambda: asked('up{job="pilothouse-predict"}', "instance") == both, seconds=60)
    # of inference what it logged, of the collector what it stored: each by its own port
    logged = f'pilothouse_spool_records_total{{outcome="appended"}} >= {len(made)}'
    stored = f'pilothouse_collector_records_ingested_total{{model="{MODEL}"}} >= {len(made)}'
    wait_for(lambda: asked(logged, "instance") and asked(stored, "instance"), seconds=60)
    assert set(asked(logged, "instance")) == {"local:8000"}
    assert set(asked(stored, "instance")) == {"local:8001"}


def test_nobody_comes_in_without_a_key(world, watch, predict):
    with Client(world.front(predict), "an-unknown-key-of-24-letters") as stranger, pytest.raises(PilothouseError):
        stranger.predict(MODEL, [{}])
    assert look(watch.gateway, 8001, "/v1/stats")[0] == 401
    assert look(watch.gateway, 8002, "/drift")[0] == 401


def test_a_drift_report_is_made_of_what_was_predicted(world, watch, client):
    made = client.predict(MODEL, client.manifest(MODEL).examples[:1] * 300)
    wait_for(lambda: {p["id"] for p in made} <= set(world.stored()), seconds=30)
    headers = {"Authorization": f"Bearer {world.key('frontend')}"}
    drift = Front(watch.gateway, 8002)
    try:
        with httpx2.Client(base_url=drift.url, headers=headers, timeout=240) as http:
            verdict = http.get("/drift", params={"model": MODEL}).raise_for_status().json()
            assert verdict["verdict"] == "drift"  # one house, three hundred times
            report = http.get("/drift-report", params={"model": MODEL, "wait": 120}).raise_for_status()
    finally:
        drift.close()
    assert "<html" in report.text[:2000].lower()
    assert len(report.content) > 1_000_000


def test_the_page_is_reached_from_outside_and_reaches_the_other_service(world, watch):
    with httpx2.Client(base_url=world.front(watch), timeout=30) as http:
        assert http.get("/health/ready").json() == {"status": "ready"}
        assert "streamlit" in http.get("/").text.lower()
    assert look(watch.gateway, 8000, "/health/ready")[0] == 200  # pilothouse-predict, by the way out


def test_scaled_to_zero_under_load_no_answered_record_is_lost_and_none_is_there_twice(world, predict):
    """Its spool is memory, and goes with the instance: what is not delivered in those ten seconds is lost."""
    for _ in range(3):
        with Load(world.front(predict), world.key("frontend")) as load:
            wait_for(lambda: len(load.answered) > 200, seconds=60)
            ended = predict.scale_to_zero()
            time.sleep(0.2)
        stored = world.stored()
        assert load.unlogged == 0
        assert [i for i in load.answered if stored[i] != 1] == []
        assert ended.killed == []
        assert ended.seconds < 10
        predict.scale_up()


def test_a_container_that_dies_takes_the_instance_with_it_and_another_one_comes(predict):
    before = predict.instance
    predict.keep()
    before.kill("collector")
    wait_for(lambda: predict.restarts and predict.instance not in (None, before), seconds=60)
    assert "collector has ended with status -9" in predict.restarts[0]
    wait_for(lambda: is_ready(predict), seconds=60)


def test_a_container_that_does_not_start_says_so_and_leaves_nothing(world, tmp_path):
    if not shutil.which("pgrep"):
        pytest.skip("no pgrep here")
    service = world.service("collect")
    document = service._document
    containers(document)["collector"]["env"].append({"name": "PILOTHOUSE_DATABASE_TIMEOUT", "value": "soon"})
    with pytest.raises(StartFailed, match="collector has ended with status 2 before it had started"):
        service.scale_up()
    assert any("PILOTHOUSE_DATABASE_TIMEOUT='soon'" in line for _, line in world.lines)
    left = subprocess.run(["pgrep", "-f", str(service.gateway)], capture_output=True, text=True, check=False)
    assert left.stdout == ""


def test_the_document_that_runs_is_the_one_that_is_deployed(predict):
    assert predict._document == read_service("predict")


def test_the_page_and_the_drift_service_end_in_time_too(watch):
    ended = watch.scale_to_zero()
    assert (ended.killed, ended.seconds < 10) == ([], True)
