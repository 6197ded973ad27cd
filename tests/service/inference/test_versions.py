"""Two versions of one model: activation, shadows, and that decisions outlive a restart."""

import shutil
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from pilothouse.package import open_package, write_files
from services.inference.app import create_app
from services.inference.settings import InferenceSettings
from tests.fakes import FakeCollector

HOUSE = Path(__file__).parents[3] / "models" / "house-prices" / "1"


@pytest.fixture
def settings(tmp_path):
    for version in ("1", "2", "10"):
        folder = tmp_path / "models" / "house-prices" / version
        shutil.copytree(HOUSE, folder)
        write_files(open_package(folder).manifest.model_copy(update={"version": version}), folder)
    return InferenceSettings(port=0, models=tmp_path / "models", state=tmp_path / "state")


@pytest.fixture
def house():
    return dict(open_package(HOUSE).manifest.examples[0])


def run(settings, collector=None):
    return TestClient(create_app(settings, CollectorRegistry(), collector or FakeCollector()))


def answering(client, house):
    return client.post("/models/house-prices/predict", json=house).json()["version"]


def test_the_newest_version_answers_and_ten_is_newer_than_two(settings, house):
    with run(settings) as client:
        assert answering(client, house) == "10"
        assert client.post("/models/house-prices/versions/1/predict", json=house).json()["version"] == "1"


def test_an_activated_version_answers_after_a_restart_too(settings, house):
    with run(settings) as client:
        client.post("/models/house-prices/versions/1/activate")
        assert answering(client, house) == "1"
    with run(settings) as client:
        assert answering(client, house) == "1"


def test_a_version_that_is_not_there_cannot_be_activated(settings):
    with run(settings) as client:
        assert client.post("/models/house-prices/versions/7/activate").status_code == 404


def test_a_shadow_answers_nobody_and_is_logged_with_the_same_trace(settings, house):
    collector = FakeCollector()
    with run(settings, collector) as client:
        states = client.post("/models/house-prices/versions/2/shadow").json()["models"]
        assert {m["version"]: m["state"] for m in states} == {"1": "loaded", "2": "shadow", "10": "active"}
        assert answering(client, house) == "10"
        deadline = time.monotonic() + 5
        while len(collector.records) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    first, second = collector.records.values()
    assert first["trace_id"] == second["trace_id"]
    assert {first["source"], second["source"]} == {None, "shadow"}
    assert first["prediction"] == second["prediction"]


def test_a_shadow_can_be_taken_back_and_the_active_version_is_never_one(settings):
    with run(settings) as client:
        client.post("/models/house-prices/versions/2/shadow")
        client.delete("/models/house-prices/versions/2/shadow")
        states = client.post("/models/house-prices/versions/10/shadow").json()["models"]
    assert {m["state"] for m in states} == {"active", "loaded"}
