"""/drift-report of odd data, and of a worker that takes too long, too much memory, or ends."""

import math
import os

import psutil
import pytest

from testkit.drift.frames import houses, manifest, replaced
from testkit.drift.running import running_drift
from testkit.drift.stack import write_package
from testkit.waiting import wait_for
from tests.service.drift.test_report import WAIT, metric, metrics_of, worker_of

HOSTILE = "</script><script>document.title='owned'</script>"


@pytest.fixture
def small(tmp_path, collector):
    """A service over one small model of the test's own, and how to log to it."""
    spec = manifest().model_copy(update={"name": "small" + os.urandom(3).hex()})
    write_package(tmp_path / "models", spec, houses(600, seed=1))
    collector.announce(spec)

    def start(**settings):
        return running_drift(tmp_path / "models", tmp_path / "state", collector.url, **settings)

    return spec, start


def test_bad_columns_are_set_aside_and_the_rest_is_reported(small, collector):
    """Missing, constant and hostile values at once: no report is lost to them, and nothing of them runs."""
    spec, start = small
    rows = [[None, 3, HOSTILE, None, 8_500 * 86_400_000, 1e308 if i % 2 else 500.0] for i in range(200)]
    collector.log(spec, ["size", "rooms", "wall", "garage", "sold", "prediction"], rows)
    with start() as client:
        page = client.get("/drift-report", params={"wait": WAIT, "format": "html"})
        body = client.get("/drift-report", params={"wait": WAIT, "format": "json"}).json()
    assert page.status_code == 200, page.text[:300]
    assert HOSTILE not in page.text
    assert "document.title=" in page.text or "(new)" in page.text
    assert "compared by what is missing" in page.text
    columns = {c["name"]: c for c in body["drift"]["columns"]}
    assert columns["size"]["status"] == "missing"
    theirs = {m["config"]["column"]: m["value"] for m in metrics_of(body, "ValueDrift")}
    assert theirs == {n: pytest.approx(c["score"], abs=1e-6) for n, c in columns.items()}
    assert all(math.isfinite(v) for v in theirs.values())


def test_hostile_names_in_the_reference_do_not_run_either(tmp_path, collector):
    spec = manifest().model_copy(update={"name": "hostile" + os.urandom(3).hex()})
    reference = houses(600, seed=1)
    write_package(tmp_path / "models", spec, replaced(reference, "wall", [HOSTILE, "brick", "</style>"] * 200))
    collector.announce(spec)
    collector.log_table(spec, replaced(houses(200, seed=3), "wall", ["brick", HOSTILE] * 100))
    with running_drift(tmp_path / "models", tmp_path / "state", collector.url) as client:
        page = client.get("/drift-report", params={"wait": WAIT}).text
    assert "document.title=" in page, "the category is shown"
    assert "<script>document.title=" not in page
    assert "</script>document" not in page


@pytest.mark.parametrize("rows", [0, 20])
def test_where_nothing_can_be_compared_the_report_says_why(small, collector, rows):
    spec, start = small
    if rows:
        collector.log_table(spec, houses(rows))
    with start() as client:
        page = client.get("/drift-report", params={"wait": WAIT})
        body = client.get("/drift-report", params={"wait": WAIT, "format": "json"}).json()
        assert metric(client, "pilothouse_drift_worker_starts_total") == 0
    assert page.status_code == 200
    assert "unknown" in page.text
    assert body["drift"]["reason"] == ("too-few-rows" if rows else "no-records")
    assert body["evidently"] is None


def test_a_report_that_takes_too_long_is_stopped(small, collector):
    spec, start = small
    collector.log_table(spec, houses(200))
    with start(report_timeout_seconds=0.5) as client:
        failed = client.get("/drift-report", params={"wait": WAIT})
        assert (failed.status_code, failed.json()["type"]) == (503, "urn:pilothouse:problem:report-failed")
        assert "more than 0.5 s" in failed.json()["detail"]
        assert metric(client, "pilothouse_drift_worker_up") == 0


def test_a_report_that_needs_too_much_memory_fails_alone(small, collector):
    spec, start = small
    collector.log_table(spec, houses(200))
    with start(report_memory_bytes=120_000_000) as client:
        failed = client.get("/drift-report", params={"wait": WAIT})
        assert (failed.status_code, failed.json()["type"]) == (503, "urn:pilothouse:problem:report-failed")
        assert client.get("/drift").json()["rows"] == 200


def test_a_worker_that_has_grown_is_replaced(small, collector):
    spec, start = small
    collector.log_table(spec, houses(200))
    with start(report_retire_bytes=1) as client:
        for window in ("rows=150", "rows=200"):
            assert client.get("/drift-report", params={"window": window, "wait": WAIT}).status_code == 200
        assert metric(client, "pilothouse_drift_worker_starts_total") == 2
        assert metric(client, "pilothouse_drift_worker_up") == 0


def test_the_worker_ends_with_the_service(small, collector):
    spec, start = small
    collector.log_table(spec, houses(200))
    with start() as client:
        client.get("/drift-report", params={"wait": WAIT})
        worker = psutil.Process(worker_of(client).pid)
        assert worker.is_running()
    wait_for(lambda: not worker.is_running())
