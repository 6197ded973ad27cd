"""Two versions of one model: activation, shadows, and that decisions outlive a restart."""

import shutil
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from pilothouse.package import open_package, write_files
from services.inference.app import create_app
from services.inference.settings import InferenceSettings
from testkit.fakes import FakeCollector
from testkit.serving import calling
from testkit.waiting import wait_for

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
    return calling(create_app(settings, CollectorRegistry(), collector or FakeCollector()))


def answering(client, house):
    return client.post("/models/house-prices/predict", json=house).json()["version"]


def test_the_newest_version_answers_and_ten_is_newer_than_two(settings, house):
    with run(settings) as client:
        assert answering(client, house) == "10"
        assert client.post("/models/house-prices/versions/1/predict", json=house).json()["version"] == "1"


def test_every_version_has_its_own_card(settings):
    second = settings.models / "house-prices" / "2"
    manifest = open_package(second).manifest
    (second / "MODEL_CARD.md").write_text("# The second")
    write_files(manifest, second)
    with run(settings) as client:
        cards = {v: client.get(f"/models/house-prices/versions/{v}/card") for v in ("2", "3", "10")}
    assert {v: card.status_code for v, card in cards.items()} == {"2": 200, "3": 404, "10": 200}
    assert cards["2"].text == "# The second" != cards["10"].text
    assert cards["2"].headers["content-type"].startswith("text/markdown")


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


def test_a_version_activated_at_one_replica_answers_at_the_other_too(settings, house):
    with run(settings) as one, run(settings) as other:
        one.post("/models/house-prices/versions/1/activate")
        other.post("/models/house-prices/versions/2/shadow")
        assert answering(other, house) == "1"
        wait_for(lambda: one.get("/models").json() == other.get("/models").json(), seconds=20)
        one.post("/models/house-prices/versions/10/activate")
        wait_for(lambda: answering(other, house) == "10", seconds=20)


def test_a_damaged_file_of_decisions_leaves_the_running_ones_as_they_are(settings, house):
    with run(settings) as client:
        client.post("/models/house-prices/versions/1/activate")
        (settings.state / "roles.json").write_text("{")
        time.sleep(1.5)
        assert answering(client, house) == "1"
        refusal = client.post("/models/house-prices/versions/2/activate")
    assert refusal.status_code == 503
    assert "remove it" in refusal.json()["detail"]
