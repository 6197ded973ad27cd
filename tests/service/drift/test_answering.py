"""What is watched is what answers: the real inference service, collector and drift service side by side."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from pilothouse.package import open_package, write_files
from services.inference.app import create_app
from services.inference.settings import InferenceSettings
from testkit.drift.frames import houses, manifest
from testkit.drift.running import running_drift
from testkit.drift.stack import write_package
from testkit.serving import calling
from testkit.waiting import wait_for

HOUSE = Path(__file__).parents[3] / "models" / "house-prices" / "1"
SPEC = manifest()
SAYING = ("/drift", "/performance", "/drift/distributions")
NEWEST_RECORDS = "newest records: nobody has said which version answers"


class Stack:
    """Inference and drift on one models folder; inference can be started anew, as a deployment does."""

    def __init__(self, folder, collector, cleanup):
        self.models, self.folder, self.collector, self._cleanup = folder / "models", folder, collector, cleanup
        self.drift = cleanup.enter_context(running_drift(self.models, folder / "drift", collector.url))
        self._inference = ExitStack()
        cleanup.callback(self._stop_inference)

    def pack(self, version):
        folder = self.models / "house-prices" / version
        shutil.copytree(HOUSE, folder)
        write_files(open_package(folder).manifest.model_copy(update={"version": version}), folder)

    def start_inference(self):
        """Anew, where it runs already; its state folder stays."""
        self._stop_inference()
        settings = InferenceSettings(
            port=0, models=self.models, state=self.folder / "state", collector_url=self.collector.url
        )
        self._inference = ExitStack()
        self.inference = self._inference.enter_context(calling(create_app(settings, CollectorRegistry())))

    def _stop_inference(self):
        self._inference.close()

    def restart_drift(self):
        other = running_drift(self.models, self.folder / "drift", self.collector.url)
        self.drift = self._cleanup.enter_context(other)

    def post(self, version, what):
        answer = self.inference.post(f"/models/house-prices/versions/{version}/{what}")
        assert answer.is_success, answer.text

    def watched(self, path="/drift", **query):
        said = self.drift.get(path, params={"model": "house-prices"} | query).json()
        return said["version"], said["version_reason"]

    def beside(self):
        said = self.drift.get("/drift", params={"model": "house-prices"}).json()
        return {other["version"]: other["state"] for other in said.get("beside", [])}

    def predict(self, times):
        example = open_package(HOUSE).manifest.examples[0]
        for _ in range(times):
            assert self.inference.post("/models/house-prices/predict", json=example).is_success


@pytest.fixture
def stack(tmp_path, fresh_collector):
    (tmp_path / "models").mkdir()
    with ExitStack() as cleanup:
        yield Stack(tmp_path, fresh_collector, cleanup)


def test_the_version_that_answers_is_watched_and_not_the_newest_folder(stack):
    stack.pack("1")
    stack.start_inference()
    wait_for(lambda: stack.watched() == ("1", "it answers"))
    stack.pack("2")
    for path in SAYING:
        assert stack.watched(path) == ("1", "it answers")
        assert stack.watched(path, version="2") == ("2", "asked for")
    report = stack.drift.get("/drift-report", params={"model": "house-prices", "format": "json", "wait": 60}).json()
    assert (report["drift"]["version"], report["drift"]["version_reason"]) == ("1", "it answers")
    page = stack.drift.get("/drift-report", params={"model": "house-prices", "wait": 60}).text
    assert "Version 1: it answers." in page


def test_activating_and_rolling_back_change_what_is_watched_within_seconds(stack):
    stack.pack("1")
    stack.pack("2")
    stack.start_inference()
    wait_for(lambda: stack.watched() == ("2", "it answers"))
    for version, other in (("1", "2"), ("2", "1"), ("1", "2")):
        stack.post(version, "activate")
        wait_for(lambda v=version: stack.watched() == (v, "it answers"), seconds=5)
        assert stack.beside() == {other: "loaded"}
    assert stack.watched("/performance") == ("1", "it answers")


def test_records_of_a_shadow_do_not_switch_what_is_watched(stack):
    stack.pack("1")
    stack.pack("2")
    stack.start_inference()
    stack.post("1", "activate")
    stack.post("2", "shadow")
    stack.predict(3)
    logged = {"model": "house-prices", "version": "2", "window": "1h"}
    wait_for(lambda: stack.drift.get("/drift", params=logged).json()["reason"] == "too-few-rows", seconds=10)
    assert stack.watched() == ("1", "it answers")
    assert stack.beside() == {"2": "shadow"}


def test_it_is_known_after_restarts_and_while_services_are_away(stack):
    stack.pack("1")
    stack.start_inference()
    wait_for(lambda: stack.watched() == ("1", "it answers"))
    stack.pack("2")
    stack.inference.close()
    stack.restart_drift()
    assert stack.watched() == ("1", "it answers")
    stack.collector.stop()
    wait_for(lambda: stack.watched() == ("1", "it answers, as last heard: the collector is away"))
    stack.restart_drift()
    assert stack.watched() == ("2", "newest package: the collector, which knows what answers, is away")
    stack.collector.start()
    wait_for(lambda: stack.watched() == ("1", "it answers"))
    stack.start_inference()
    wait_for(lambda: stack.watched() == ("2", "it answers"), seconds=5)
    shutil.rmtree(stack.models / "house-prices" / "2")
    assert stack.watched() == ("1", "newest package here: version 2 answers, but its package is not here")


def test_of_a_model_that_nobody_serves_here_the_newest_records_count(tmp_path, fresh_collector):
    second = SPEC.model_copy(update={"version": "2"})
    for spec in (SPEC, second):
        write_package(tmp_path / "models", spec, houses(1000, seed=1))
        fresh_collector.announce(spec)
    with running_drift(tmp_path / "models", tmp_path / "state", fresh_collector.url) as client:
        said = client.get("/drift").json()
        assert (said["version"], said["version_reason"].partition(":")[0]) == ("2", "newest package")
        fresh_collector.log_table(SPEC, houses(60))
        said = client.get("/drift").json()
        assert (said["version"], said["version_reason"]) == ("1", NEWEST_RECORDS)
        client.post("/drift/run")
        client.post("/drift/run", params={"version": "2"})
        assert {run["version"] for run in client.get("/drift/history").json()["drift_runs"]} == {"1"}
        fresh_collector.log_table(second, houses(60))
        assert client.get("/drift").json()["version"] == "2"
        assert client.get("/drift", params={"version": "3"}).status_code == 404
