"""What moves together, from the records to every place where it is said; and the two pictures beside it."""

from io import StringIO

import msgspec
import numpy as np
import pytest
from rich.console import Console

from pilothouse.commands.verdicts import verdict_table
from testkit.drift.frames import houses, manifest
from testkit.drift.images import embeddings, image_manifest, scans
from testkit.drift.running import running_drift
from testkit.drift.stack import write_package
from tests.service.drift.test_states import metric
from tests.unit.drift.reference.test_joint_features import shuffled

ROWS = 300
TABLE, IMAGES = manifest(interval_seconds=5), image_manifest(interval_seconds=5)
OF_SCANS = {"model": "scans", "version": "1"}
APART = shuffled(houses(ROWS, seed=20), ["size", "rooms", "prediction"])


@pytest.fixture
def models(tmp_path):
    write_package(tmp_path / "models", TABLE, houses(1000, seed=1))
    write_package(tmp_path / "models", IMAGES, predicted(scans(1000, seed=1)))
    return tmp_path / "models"


@pytest.fixture
def collector(fresh_collector):
    fresh_collector.announce(TABLE)
    fresh_collector.announce(IMAGES)
    return fresh_collector


@pytest.fixture
def client(models, tmp_path, collector):
    with running_drift(models, tmp_path / "state", collector.url) as client:
        yield client


def predicted(table):
    """With the columns of a binary model's answer."""
    for name, value in (("prediction", "fine"), ("probability_fine", 0.9), ("probability_ill", 0.1)):
        table = table.append_column(name, [[value] * table.num_rows])
    return table


def get(client, path, **query):
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, strict=True)


def test_an_embedding_that_drifted_is_said_everywhere(client, collector):
    collector.log_table(IMAGES, predicted(scans(ROWS, seed=7, shift=1.0)))
    said = client.post("/drift/run", params={"model": "scans"}).json()
    (joint,) = said["joint"]
    assert (said["verdict"], said["drifted_columns"]) == ("drift", [])
    assert (joint["name"], joint["stattest"], joint["status"], joint["drifted"]) == (
        "embedding",
        "mmd",
        "compared",
        True,
    )
    assert joint["rows"] == ROWS
    (kept,) = get(client, "/drift/history", model="scans", limit=1)["drift_runs"]
    assert kept["joint"] == [joint]
    on = OF_SCANS | {"on": "embedding"}
    assert metric(client, "pilothouse_drift_joint_score", **on) == pytest.approx(joint["score"])
    assert metric(client, "pilothouse_drift_joint_threshold", **on) == pytest.approx(joint["threshold"])
    assert metric(client, "pilothouse_drift_joint_detected", **on) == 1
    assert metric(client, "pilothouse_drift_joint_computable", **on) == 1
    assert metric(client, "pilothouse_drift_joint_score", **OF_SCANS, on="features") is None


def test_columns_that_move_apart_are_said_everywhere(client, collector):
    collector.log_table(TABLE, APART)
    said = get(client, "/drift", model="houses")
    assert (said["verdict"], said["drifted_columns"]) == ("drift", [])
    assert said["joint"][0]["stattest"] == "pca_reconstruction"
    report = get(client, "/drift-report", model="houses", format="json", wait=120)
    assert report["drift"]["joint"] == said["joint"]
    page = client.get("/drift-report", params={"model": "houses", "wait": 120}).text
    banner = page.split('<div class="pilothouse">')[1].split("</div>")[0]
    assert "All columns together: drifted (pca_reconstruction" in banner


def test_the_command_shows_it_beside_the_columns(client, collector):
    collector.log_table(TABLE, APART)
    shown = StringIO()
    Console(width=140, file=shown).print(verdict_table(get(client, "/drift", model="houses")))
    (line,) = [line for line in shown.getvalue().splitlines() if "(all together)" in line]
    assert "pca_reconstruction" in line
    assert "drift" in line


def test_records_whose_embeddings_are_all_missing_are_drift_in_the_gauge_too(client, models, collector):
    """The records of another program, which has no embeddings."""
    bare = image_manifest(interval_seconds=5).model_copy(update={"name": "bare"})
    write_package(models, bare, predicted(scans(500, seed=1)))
    collector.announce(bare)
    collector.log_table(bare, predicted(scans(ROWS, seed=3, vectors=[None] * ROWS)))
    said = get(client, "/drift", model="bare")
    assert (said["verdict"], said["joint"][0]["status"]) == ("drift", "missing")
    on = {"model": "bare", "version": "1", "on": "embedding"}
    assert metric(client, "pilothouse_drift_joint_computable", **on) == 1


def test_without_a_verdict_there_is_no_joint_gauge(client, models, collector):
    collector.log_table(IMAGES, predicted(scans(ROWS, seed=3)))
    on = OF_SCANS | {"on": "embedding"}
    assert client.post("/drift/run", params={"model": "scans"}).json()["verdict"] == "no drift"
    assert metric(client, "pilothouse_drift_joint_detected", **on) == 0
    (models / "scans" / "1" / "reference.parquet").unlink()
    assert client.post("/drift/run", params={"model": "scans"}).json()["joint"] == []
    assert metric(client, "pilothouse_drift_joint_detected", **on) is None
    assert metric(client, "pilothouse_drift_joint_computable", **on) is None


def test_thresholds_of_an_earlier_method_are_made_anew(models, tmp_path, collector):
    """What an earlier release stored has no thresholds of what moves together."""
    collector.log_table(TABLE, houses(ROWS, seed=3))
    with running_drift(models, tmp_path / "state", collector.url) as client:
        first = get(client, "/drift", model="houses")["joint"]
    (path,) = (tmp_path / "state" / "drift").glob("*.msgpack")
    stored = msgspec.msgpack.decode(path.read_bytes())
    path.write_bytes(msgspec.msgpack.encode({k: v for k, v in stored.items() if k != "joint"}))
    with running_drift(models, tmp_path / "state", collector.url) as client:
        assert get(client, "/drift", model="houses")["joint"] == first


def test_each_column_has_its_distributions(client, collector):
    collector.log_table(TABLE, houses(ROWS, seed=3))
    said = get(client, "/drift/distributions", model="houses")
    assert (said["model"], said["version"], said["rows"], said["window"]["rows"]) == ("houses", "1", ROWS, ROWS)
    assert [c["name"] for c in said["columns"]] == ["size", "rooms", "wall", "garage", "sold", "prediction"]
    for column in said["columns"]:
        assert sum(column["reference"]) == pytest.approx(1)
        assert sum(column["current"]) == pytest.approx(1)
        assert (column["missing_reference"], column["missing_current"]) == (0, 0)
    size, wall = said["columns"][0], said["columns"][2]
    assert len(size["edges"]) == len(size["reference"]) + 1 == len(size["current"]) + 1
    assert sorted(size["reference_quantiles"]) == sorted(
        ["0.001", "0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99", "0.999"]
    )
    expected = np.quantile(houses(1000, seed=1).column("size").to_numpy(), 0.25)
    assert size["reference_quantiles"]["0.25"] == pytest.approx(expected)
    assert wall["categories"] == ["brick", "wood", "stone"]
    current = houses(ROWS, seed=3).column("wall").to_pylist()
    assert wall["current"][1] == pytest.approx(current.count("wood") / ROWS)


def test_distributions_of_named_columns_and_of_none_that_there_is(client, collector):
    collector.log_table(IMAGES, predicted(scans(ROWS, seed=3)))
    said = get(client, "/drift/distributions", model="scans", columns="probability_ill, noise")
    assert [c["name"] for c in said["columns"]] == ["probability_ill", "noise"]
    for name in ("nope", "embedding", "nope,noise"):
        answer = client.get("/drift/distributions", params={"model": "scans", "columns": name})
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "unknown-column")


def test_distributions_of_a_window_that_drifted_name_what_is_new_and_missing(client, collector):
    rows = [dict(row, wall=None if i % 2 else "brick") for i, row in enumerate(houses(ROWS, seed=3).to_pylist())]
    names = list(rows[0])
    wire = [[int(v.timestamp() * 1000) if hasattr(v, "timestamp") else v for v in row.values()] for row in rows]
    collector.log(TABLE, names, wire)
    wall = get(client, "/drift/distributions", model="houses", columns="wall")["columns"][0]
    assert wall["missing_current"] == 0.5
    assert dict(zip(wall["categories"], wall["current"], strict=True))["brick"] == 1


def test_without_records_there_is_the_reference_alone(client):
    said = get(client, "/drift/distributions", model="houses")
    assert (said["rows"], {c["current"] for c in said["columns"]}) == (0, {None})
    assert all(c["missing_current"] is None and c["reference"] for c in said["columns"])
    plane = get(client, "/drift/embedding", model="scans")
    assert (plane["rows"], plane["current"], plane["current_ids"]) == (0, [], [])
    assert len(plane["reference"]) == 500


def test_the_embeddings_are_shown_on_the_plane_of_the_reference(client, collector):
    collector.log_table(IMAGES, predicted(scans(ROWS, seed=3, shift=1.0)))
    plane = get(client, "/drift/embedding", model="scans", window=f"rows={ROWS}")
    assert plane["rows"] == len(plane["current"]) == len(plane["current_ids"]) == ROWS
    assert plane["window"]["rows"] == ROWS
    assert 1 > plane["explained"][0] > plane["explained"][1] > 0
    assert np.std([x for x, _ in plane["reference"]]) > np.std([y for _, y in plane["reference"]])
    stored = get(client, "/drift/embedding", model="scans", window="1h")
    assert set(stored["current_ids"]) == set(plane["current_ids"])


def test_a_large_window_shows_some_points(client, collector):
    collector.log_table(IMAGES, predicted(scans(1200, seed=3)))
    plane = get(client, "/drift/embedding", model="scans", window="rows=1200")
    assert (plane["rows"], plane["window"]["rows"]) == (500, 1200)


def test_records_without_a_usable_embedding_are_left_out_of_the_plane(client, collector):
    vectors = [None if i % 3 else v for i, v in enumerate(embeddings(ROWS, 3))]
    ids = collector.log_table(IMAGES, predicted(scans(ROWS, 3, vectors=vectors)))
    plane = get(client, "/drift/embedding", model="scans")
    assert plane["current_ids"] == ids[::3]


def test_a_model_without_an_embedding_has_no_plane(client):
    answer = client.get("/drift/embedding", params={"model": "houses"})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "no-embedding")


@pytest.mark.parametrize("path", ["/drift/distributions", "/drift/embedding"])
def test_what_a_picture_lacks_is_a_problem_in_words(client, models, collector, path):
    assert client.get(path, params={"model": "scans", "window": "1y"}).status_code == 422
    assert client.get(path, params={"model": "nope"}).status_code == 404
    collector.stop()
    away = client.get(path, params={"model": "scans"})
    assert (away.status_code, away.json()["type"].rpartition(":")[2]) == (503, "collector-away")
    reference = models / "scans" / "1" / "reference.parquet"
    reference.write_bytes(reference.read_bytes()[:-10])
    damaged = client.get(path, params={"model": "scans"})
    assert (damaged.status_code, damaged.json()["type"].rpartition(":")[2]) == (503, "reference")


def test_a_reference_without_embeddings_has_no_plane(client, models, collector):
    bare = image_manifest().model_copy(update={"name": "bare"})
    write_package(models, bare, predicted(scans(300).drop_columns(["embedding"])))
    answer = client.get("/drift/embedding", params={"model": "bare"})
    assert answer.status_code == 404
    assert "its reference holds none" in answer.json()["detail"]
