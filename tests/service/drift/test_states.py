"""What the service says when the data cannot say, and while things fail: in words, with a code, never a 500."""

import msgspec
import pytest

from pilothouse.manifest import DriftColumn, Manifest
from testkit.drift.frames import houses, manifest
from testkit.drift.running import running_drift
from testkit.drift.stack import HOUR_MS, write_package
from testkit.waiting import wait_for

SPEC = manifest(interval_seconds=5)


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "models"
    write_package(folder, SPEC, houses(1000, seed=1))
    return folder


@pytest.fixture
def collector(fresh_collector):
    fresh_collector.announce(SPEC)
    return fresh_collector


@pytest.fixture
def client(models, tmp_path, collector):
    with running_drift(models, tmp_path / "state", collector.url) as client:
        yield client


def metric(client, name, **labels):
    """The value of a series, None where there is none."""
    wanted = "".join(f',{k}="{v}"' for k, v in sorted(labels.items()))
    for line in client.get("/metrics").text.splitlines():
        series, _, value = line.rpartition(" ")
        found, _, inside = series.partition("{")
        pairs = sorted(inside.rstrip("}").split(",")) if inside else []
        if found == name and pairs == sorted(wanted.lstrip(",").split(",")):
            return float(value)
    return None


def package_files(models):
    return Manifest.read(models / "houses" / "1" / "manifest.yaml").files


OF_MODEL = {"model": "houses", "version": "1"}


def test_without_records_there_is_no_verdict(client):
    said = client.get("/drift").json()
    assert (said["verdict"], said["reason"], said["rows"]) == ("unknown", "no-records", 0)


def test_with_too_few_rows_there_is_no_verdict(client, collector):
    collector.log_table(SPEC, houses(20))
    said = client.get("/drift").json()
    assert (said["verdict"], said["reason"], said["rows"]) == ("unknown", "too-few-rows", 20)


def test_a_model_that_was_never_announced_has_no_records(models, tmp_path, collector):
    write_package(models, manifest().model_copy(update={"name": "other"}), houses(200))
    with running_drift(models, tmp_path / "state", collector.url) as client:
        assert client.get("/drift", params={"model": "other"}).json()["reason"] == "no-records"


def test_a_damaged_reference_is_said(client, models, collector):
    collector.log_table(SPEC, houses(300))
    reference = models / "houses" / "1" / "reference.parquet"
    reference.write_bytes(reference.read_bytes()[:-100])
    said = client.get("/drift", params={"window": "1h"}).json()
    assert (said["verdict"], said["reason"]) == ("unknown", "reference-damaged")
    assert "reference.parquet" in said["message"]


def test_a_reference_that_is_damaged_later_is_said_though_no_record_comes(client, models, collector):
    collector.log_table(SPEC, houses(300, seed=3))
    assert client.get("/drift").json()["verdict"] == "no drift"
    reference = models / "houses" / "1" / "reference.parquet"
    reference.write_bytes(reference.read_bytes()[:-100])
    wait_for(lambda: client.get("/drift").json()["reason"] == "reference-damaged")


def test_a_threshold_that_is_edited_counts_though_no_record_comes(client, models, collector):
    collector.log_table(SPEC, houses(300, seed=3))
    assert client.get("/drift").json()["verdict"] == "no drift"
    edited = manifest(interval_seconds=5, columns=(DriftColumn(name="size", threshold=1e-6), "rooms"))
    edited.model_copy(update={"files": package_files(models)}).write(models / "houses" / "1" / "manifest.yaml")
    wait_for(lambda: client.get("/drift").json()["drifted_columns"] == ["size"])


def test_late_records_change_what_is_said_though_none_is_newer(client, collector):
    collector.log_table(SPEC, houses(300, seed=3))
    said = client.get("/drift").json()
    collector.log_table(SPEC, houses(600, shift=1), ages_ms=range(HOUR_MS, HOUR_MS - 600, -1))
    wait_for(lambda: client.get("/drift").json()["verdict"] == "drift")
    assert client.get("/drift").json()["newest"] == said["newest"]
    wait_for(lambda: client.get("/drift/history").json()["drift_runs"][0]["verdict"] == "drift")


def test_a_missing_reference_is_said(client, models, collector):
    collector.log_table(SPEC, houses(300))
    (models / "houses" / "1" / "reference.parquet").unlink()
    assert client.get("/drift", params={"window": "1h"}).json()["reason"] == "reference-missing"


def test_a_reference_that_was_mended_is_used_again(client, models, collector):
    collector.log_table(SPEC, houses(300, seed=3))
    reference = models / "houses" / "1" / "reference.parquet"
    packed = reference.read_bytes()
    reference.write_bytes(b"PAR1")
    assert client.post("/drift/run").json()["reason"] == "reference-damaged"
    reference.write_bytes(packed)
    wait_for(lambda: client.get("/drift").json()["verdict"] == "no drift")


def test_while_the_collector_is_away_the_last_verdict_is_called_old(client, collector):
    collector.log_table(SPEC, houses(300, seed=3))
    assert client.post("/drift/run").json()["verdict"] == "no drift"
    collector.stop()
    wait_for(lambda: client.get("/drift").json()["stale"])
    said = client.get("/drift").json()
    assert said["verdict"] == "no drift"
    assert "the collector has been away since" in said["message"]
    assert client.post("/drift/run").status_code == 503
    collector.start()
    wait_for(lambda: not client.get("/drift").json()["stale"])


def test_without_a_collector_there_is_no_all_clear(models, tmp_path):
    with running_drift(models, tmp_path / "state", "http://127.0.0.1:9") as client:
        said = client.get("/drift").json()
        assert (said["verdict"], said["reason"]) == ("unknown", "collector-away")
        problem = client.get("/drift-report")
        assert problem.status_code == 503
        assert problem.json()["type"].endswith("collector-away")
        assert client.get("/health/ready").status_code == 200
        assert metric(client, "pilothouse_drift_computable", **OF_MODEL) == 0


def test_new_records_change_what_is_said(client, collector):
    collector.log_table(SPEC, houses(300, seed=3))
    assert client.get("/drift").json()["verdict"] == "no drift"
    collector.log_table(SPEC, houses(1000, shift=1))
    wait_for(lambda: client.get("/drift").json()["verdict"] == "drift")
    assert client.get("/drift").json()["drifted_columns"] == ["size"]


def test_windows_of_time_hold_what_was_logged_in_them(client, collector):
    collector.log_table(SPEC, houses(300, shift=1), ages_ms=range(5 * HOUR_MS, 5 * HOUR_MS - 300, -1))
    collector.log_table(SPEC, houses(300, seed=3))
    said = {window: client.get("/drift", params={"window": window}).json() for window in ("1h", "24h", "rows=300")}
    assert [said[w]["rows"] for w in said] == [300, 600, 300]
    assert [said[w]["verdict"] for w in said] == ["no drift", "drift", "no drift"]
    start, end = said["24h"]["window"]["from"], said["1h"]["window"]["from"]
    early = client.get("/drift", params={"from": start, "to": end}).json()
    assert (early["rows"], early["verdict"]) == (300, "drift")


def test_missing_values_on_the_wire_are_seen(client, collector):
    window = houses(300, seed=3)
    rows = [dict(row, size=None) if i % 2 else row for i, row in enumerate(window.to_pylist())]
    names = window.column_names
    collector.log(SPEC, names, [[_wire(row[n]) for n in names] for row in rows])
    said = client.get("/drift").json()
    size = next(c for c in said["columns"] if c["name"] == "size")
    assert (said["verdict"], size["status"], size["missing_share"]) == ("drift", "missing", 0.5)


def _wire(value):
    return int(value.timestamp() * 1000) if hasattr(value, "timestamp") else value


def test_every_run_is_kept_and_can_be_asked_for(client, collector):
    collector.log_table(SPEC, houses(300, seed=3))
    now = client.post("/drift/run").json()
    runs = client.get("/drift/history").json()["drift_runs"]
    kept = now.keys() - {"at", "version_reason"}  # why it was this version is as of the answer
    assert {k: runs[0][k] for k in kept} == {k: now[k] for k in kept}
    assert client.get("/drift/history", params={"to": "2020-01-01"}).json()["drift_runs"] == []


def test_the_scheduler_scores_by_itself_and_fills_the_gauges(client, collector):
    collector.log_table(SPEC, houses(300, shift=1))
    wait_for(lambda: metric(client, "pilothouse_drift_detected", **OF_MODEL) == 1)
    assert metric(client, "pilothouse_drift_rows", **OF_MODEL) == 300
    assert metric(client, "pilothouse_drift_share", **OF_MODEL) == pytest.approx(1 / 6)
    score = metric(client, "pilothouse_drift_score", **OF_MODEL, column="size")
    threshold = metric(client, "pilothouse_drift_threshold", **OF_MODEL, column="size")
    said = next(c for c in client.get("/drift").json()["columns"] if c["name"] == "size")
    assert (score, threshold) == pytest.approx((said["score"], said["threshold"]))
    assert 0 <= metric(client, "pilothouse_drift_age_seconds", **OF_MODEL) < 60


def test_a_verdict_that_is_lost_leaves_no_old_gauge_behind(client, models, collector):
    collector.log_table(SPEC, houses(300, shift=1))
    wait_for(lambda: metric(client, "pilothouse_drift_detected", **OF_MODEL) == 1)
    (models / "houses" / "1" / "reference.parquet").unlink()
    assert client.post("/drift/run").json()["verdict"] == "unknown"
    assert metric(client, "pilothouse_drift_detected", **OF_MODEL) is None
    assert metric(client, "pilothouse_drift_score", **OF_MODEL, column="size") is None
    assert metric(client, "pilothouse_drift_computable", **OF_MODEL) == 0


def test_a_package_that_comes_later_is_watched_and_one_that_goes_is_not(client, models):
    newer = SPEC.model_copy(update={"version": "2"})
    package = write_package(models, newer, houses(500))
    assert client.get("/drift").json()["version"] == "2"
    wait_for(lambda: metric(client, "pilothouse_drift_computable", model="houses", version="2") == 0)
    for file in package.folder.iterdir():
        file.unlink()
    wait_for(lambda: metric(client, "pilothouse_drift_computable", model="houses", version="2") is None)
    assert client.get("/drift").json()["version"] == "1"


def test_a_manifest_that_cannot_be_read_leaves_the_others_watched(client, models):
    broken = models / "broken" / "1"
    broken.mkdir(parents=True)
    (broken / "manifest.yaml").write_text("name: [")
    assert client.get("/drift").json()["model"] == "houses"


def test_one_of_several_models_has_to_be_named(client, models):
    write_package(models, SPEC.model_copy(update={"name": "flats"}), houses(200))
    problem = client.get("/drift")
    assert problem.status_code == 422
    assert "flats, houses" in problem.json()["detail"]


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ({"model": "nope"}, 404, "unknown-model"),
        ({"version": "9"}, 404, "unknown-model"),
        ({"window": "1y"}, 422, "invalid-window"),
        ({"window": "1h", "from": "2026-01-01"}, 422, "invalid-window"),
        ({"from": "253402300800000"}, 422, "invalid-window"),
    ],
)
@pytest.mark.parametrize("path", ["/drift", "/drift-report", "/drift/history"])
def test_a_question_that_makes_no_sense_is_a_problem(client, path, query, status, slug):
    answer = client.get(path, params=query)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith(slug)


def test_answers_are_strict_json(client, collector):
    collector.log_table(SPEC, houses(300, seed=3))
    body = client.get("/drift").content
    assert msgspec.json.decode(body, strict=True)["verdict"] == "no drift"
    assert b"NaN" not in body


def test_keys_are_asked_for_by_scope(models, tmp_path, collector):
    keys = tmp_path / "keys"
    keys.write_text("read-read-read-read read\ningest-ingest-ingest ingest\n")
    with running_drift(models, tmp_path / "state", collector.url, api_keys_file=keys) as client:
        reader, writer = ({"authorization": f"Bearer {k}"} for k in ("read-read-read-read", "ingest-ingest-ingest"))
        assert client.get("/drift").status_code == 401
        assert client.get("/drift", headers=reader).status_code == 200
        assert client.post("/drift/run", headers=reader).status_code == 403
        assert client.post("/drift/run", headers=writer).status_code == 200
