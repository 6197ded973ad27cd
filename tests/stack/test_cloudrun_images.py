"""The services of k8s/cloudrun/ as containers of their images, where a Docker engine runs."""

from urllib.parse import quote

import httpx2
import pytest

from pilothouse.client import Client
from scripts.cloudrun.engine import add_models
from scripts.cloudrun.front import Front
from scripts.cloudrun.local import DATABASE
from testkit.postgres import _serve
from testkit.stack.cloudrun import MODEL, Load, World, environment_of, read
from testkit.stack.compose import Compose, docker_answers, run
from testkit.waiting import wait_for

pytestmark = [
    pytest.mark.compose,
    pytest.mark.skipif(not docker_answers(), reason="no Docker engine answers"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    Compose(tmp_path_factory.mktemp("secrets"))("build", "inference", "collector", "drift", "frontend")
    add_models()
    for server in _serve():
        server.sql(f"CREATE DATABASE {DATABASE}")
        world = World(tmp_path_factory.mktemp("run"), server, containers=True)
        yield world
        world.close()
        print("\n".join(f"{n} | {line}" for n, line in world.lines[-60:]))  # pytest shows it when a test failed
    assert "pilothouse-run-" not in run("docker", "ps", "--all", "--format", "{{.Names}}").stdout


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


def test_starts_in_the_order_of_the_dependencies_and_only_the_ingress_knows_a_port(predict):
    assert predict.instance.started_in == ["collector", "inference", "metrics"]
    found = {n: environment_of(c) for n, c in predict.instance._running.items()}
    assert {n: e.get("PORT") for n, e in found.items()} == {"inference": "8000", "collector": None, "metrics": None}
    assert {e["K_SERVICE"] for e in found.values()} == {"pilothouse-predict"}


def test_a_prediction_is_a_row_and_every_container_is_scraped(world, predict):
    with Client(world.front(predict), world.key("frontend")) as client:
        made = client.predict(MODEL, client.manifest(MODEL).examples)
    wait_for(lambda: {p["id"] for p in made} <= set(world.stored()), seconds=30)
    stored = world.stored()
    assert [stored[p["id"]] for p in made] == [1] * len(made)
    query = "/api/v1/query?query=" + quote('up{job="pilothouse-predict"} == 1')
    wait_for(lambda: len(read(predict, 13133, query)["data"]["result"]) == 2, seconds=60)
    scraped = {r["metric"]["instance"] for r in read(predict, 13133, query)["data"]["result"]}
    assert scraped == {"local:8000", "local:8001"}


def test_a_drift_report_is_made_of_what_was_predicted(world, predict, watch):
    with Client(world.front(predict), world.key("frontend")) as client:
        made = client.predict(MODEL, client.manifest(MODEL).examples[:1] * 300)
    wait_for(lambda: {p["id"] for p in made} <= set(world.stored()), seconds=30)
    drift = Front(watch.gateway, 8002)
    headers = {"Authorization": f"Bearer {world.key('frontend')}"}
    with httpx2.Client(base_url=drift.url, headers=headers, timeout=300) as http:
        assert http.get("/drift", params={"model": MODEL}).raise_for_status().json()["verdict"] == "drift"
        report = http.get("/drift-report", params={"model": MODEL, "wait": 120}).raise_for_status()
    drift.close()
    assert len(report.content) > 1_000_000
    assert read(watch, 8501, "/health/ready") == {"status": "ready"}


def test_scaled_to_zero_under_load_no_answered_record_is_lost_and_none_is_there_twice(world, predict):
    with Load(world.front(predict), world.key("frontend")) as load:
        wait_for(lambda: len(load.answered) > 200, seconds=60)
        ended = predict.scale_to_zero()
    stored = world.stored()
    assert [i for i in load.answered if stored[i] != 1] == []
    assert load.unlogged == 0
    assert "inference" not in ended.killed
