"""/performance where nothing can be learned from the reference: what is measured stays."""

import pytest

from testkit.drift.frames import houses, sales
from testkit.drift.running import running_drift
from testkit.drift.stack import write_package
from tests.service.drift.test_performance import HOUSES, ask, fitted, log


@pytest.fixture
def collector(fresh_collector):
    fresh_collector.announce(HOUSES)
    return fresh_collector


def test_a_reference_without_labels_leaves_what_is_measured(tmp_path, collector):
    write_package(tmp_path / "models", HOUSES, houses(1000, seed=1))
    with running_drift(tmp_path / "models", tmp_path / "state", collector.url) as client:
        log(collector, HOUSES, sales(300, seed=2), 200)
        said = ask(client)
    assert (said["basis"], said["estimated"]["reason"]) == ("measured", "reference-unlabelled")
    assert said["reference"]["metrics"] == {}


def test_a_damaged_reference_leaves_what_is_measured(tmp_path, collector):
    package = write_package(tmp_path / "models", HOUSES, sales(1000, seed=1))
    package.reference.write_bytes(b"not parquet")
    with running_drift(tmp_path / "models", tmp_path / "state", collector.url) as client:
        log(collector, HOUSES, sales(300, seed=2), 200)
        said = ask(client)
    assert (said["basis"], said["estimated"]["reason"]) == ("measured", "reference-damaged")


def test_a_worker_that_cannot_fit_is_said_in_words(tmp_path, collector):
    write_package(tmp_path / "models", HOUSES, sales(1000, seed=1))
    small = {"report_memory_bytes": 100_000_000}
    with running_drift(tmp_path / "models", tmp_path / "state", collector.url, **small) as client:
        log(collector, HOUSES, sales(300, seed=2), 200)
        fitted(client)
        said = ask(client)
    assert said["estimated"]["reason"] == "fit-failed"
    assert said["basis"] == "measured"
