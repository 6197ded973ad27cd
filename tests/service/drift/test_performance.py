"""/performance and its history, gauges and failures, with a real collector and the real worker."""

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from pilothouse.manifest import Feature, Manifest, Monitoring, Output, TabularInput
from services.drift.window import SCORED_ROWS
from testkit.drift.frames import FEATURES, flips, sales
from testkit.drift.running import running_drift
from testkit.drift.stack import write_package
from testkit.waiting import wait_for

HOUSES = Manifest(
    name="houses",
    version="1",
    task="regression",
    input=TabularInput(features=FEATURES),
    output=Output(unit="EUR"),
    monitoring=Monitoring(interval_seconds=5, performance_metric="mae", performance_floor=30),
)
PARITY = Manifest(
    name="parity",
    version="1",
    task="binary",
    input=TabularInput(features=(Feature(name="a", type="number"),)),
    output=Output(classes=("0", "1")),
    monitoring=Monitoring(interval_seconds=5, performance_metric="accuracy", performance_floor=0.7),
)
OF_HOUSES = {"model": "houses", "version": "1"}
FIT, AS_ASKED = 60, ("at", "version_reason", "beside")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_package(folder, HOUSES, sales(1000, seed=1))
    write_package(folder, PARITY, flips(1000, seed=1))
    return folder


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """Kept from test to test, as a volume is: thresholds and the model of errors are made once."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def collector(fresh_collector):
    for manifest in (HOUSES, PARITY):
        fresh_collector.announce(manifest)
    return fresh_collector


@pytest.fixture
def client(models, state, collector):
    with running_drift(models, state, collector.url) as client:
        yield client


def ask(client, model="houses", **query):
    answer = client.get("/performance", params={"model": model, **query})
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, strict=True)


def log(collector, manifest, table, labels):
    """Records, and the first so many labels."""
    ids = collector.log_table(manifest, table.drop_columns(["label"]))
    collector.label(ids[:labels], table.column("label").to_pylist()[:labels])
    return ids


def series(client, name, **labels):
    wanted = {f'{k}="{v}"' for k, v in labels.items()}
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name + "{")]
    found = [line for line in lines if wanted <= set(line.partition("{")[2].partition("}")[0].split(","))]
    return [float(line.rpartition(" ")[2]) for line in found]


def history(client, model="houses"):
    return client.get("/performance/history", params={"model": model, "version": "1"}).json()["performance_runs"]


def fitted(client):
    """The first ask after a start waits for the fit, on a slow machine more than once."""
    wait_for(lambda: ask(client)["estimated"]["reason"] != "fitting", FIT)


def test_without_records_there_is_no_number_and_no_verdict(client):
    said = ask(client)
    assert (said["verdict"], said["reason"], said["basis"]) == ("unknown", "no-records", None)
    assert said["measured"]["metrics"] == said["estimated"]["metrics"] == {}
    assert said["over_time"] == []
    assert said["reference"]["metrics"]["mae"] == pytest.approx(16, rel=0.1)


def test_labels_are_measured_and_the_rest_is_estimated(client, collector):
    log(collector, HOUSES, sales(600, seed=3), 300)
    fitted(client)
    said = ask(client, segment="wall")
    assert (said["verdict"], said["basis"], said["labelled_rows"], said["rows"]) == ("ok", "measured", 300, 600)
    assert said["label_coverage"] == 0.5
    measured, estimated = said["measured"]["metrics"]["mae"], said["estimated"]["metrics"]["mae"]
    for side in (measured, estimated):
        assert side["low"] < side["value"] < side["high"]
        assert side["value"] == pytest.approx(16, rel=0.15)
    assert (said["estimated"]["status"], said["estimated"]["method"]) == ("estimated", "DLE")
    assert said["estimated"]["undefined"] == {"bias": "an error that all rows share cannot be seen without labels"}
    assert sum(said["measured"]["residuals"]["counts"]) == 300
    assert 0 <= said["label_lag_seconds"]["median"] < 600
    assert [s["segment"] for s in said["segments"]] == ["brick", "stone", "wood"]
    assert sum(s["rows"] for s in said["segments"]) == sum(s["rows"] for s in said["over_time"]) == 600
    assert sum(s["labelled"] for s in said["over_time"]) == 300


def test_a_classification_has_its_matrix_and_its_curve(client, collector):
    log(collector, PARITY, flips(500, seed=2), 400)
    said = ask(client, "parity")
    assert sum(map(sum, said["measured"]["confusion"]["counts"])) == 400
    assert sum(b["rows"] for b in said["measured"]["calibration"]) == 400
    assert said["estimated"]["method"] == "CBPE"
    for side in ("measured", "estimated"):
        assert said[side]["metrics"]["accuracy"]["value"] == pytest.approx(0.8, abs=0.06)


def test_below_the_floor_is_said_when_all_of_the_interval_is(client, collector):
    log(collector, HOUSES, sales(400, seed=3, noise=60), 400)
    said = ask(client)
    assert (said["verdict"], said["reason"], said["basis"]) == ("below floor", "measured", "measured")
    assert said["measured"]["metrics"]["mae"]["low"] > 30
    assert "above the floor of 30" in said["message"]


def test_without_labels_the_verdict_rests_on_the_estimate(client, collector):
    log(collector, PARITY, flips(500, seed=2), 0)
    said = ask(client, "parity")
    assert (said["verdict"], said["basis"], said["reason"]) == ("ok", "estimated", "estimated")
    assert said["measured"] | {"message": ""} == {
        "status": "unknown", "reason": "no-labels", "message": "", "metrics": {}, "undefined": {},
        "confusion": None, "residuals": None, "calibration": None,
    }  # fmt: skip


def test_inputs_that_drifted_away_break_the_assumption(client, collector):
    window = sales(400, seed=3)
    far = pa.array(np.asarray(window.column("size")) + 5_000)
    log(collector, HOUSES, window.set_column(window.column_names.index("size"), "size", far), 0)
    fitted(client)
    said = ask(client)
    assert (said["verdict"], said["reason"]) == ("unknown", "assumption-broken")
    assert said["estimated"]["status"] == "assumption broken"
    assert said["estimated"]["metrics"] == {}
    assert "size" in said["estimated"]["message"]
    assert all(s["estimated"] is None for s in said["over_time"])


def test_labels_that_are_none_of_the_classes_are_set_aside_and_counted(client, collector):
    ids = log(collector, PARITY, flips(300, seed=2), 200)
    collector.label_unjudged(ids[200:230], "maybe")
    said = ask(client, "parity")
    assert said["labelled_rows"] == 200
    assert said["measured"]["message"] == "on 200 labelled rows; 30 more labels are no class of this model"


def test_labels_that_are_no_numbers_are_set_aside_and_counted(client, collector):
    ids = log(collector, HOUSES, sales(300, seed=2), 0)
    collector.label_unjudged(ids[:40], "dear")
    said = ask(client)
    assert (said["measured"]["reason"], said["label_coverage"]) == ("unusable-labels", 0)
    assert said["measured"]["message"] == "40 labels have come, but they are no numbers"


def test_labels_of_one_class_leave_the_area_undefined_with_a_word(client, collector):
    window = flips(300, seed=2)
    ids = collector.log_table(PARITY, window.drop_columns(["label"]))
    collector.label(ids, ["1"] * 300)
    measured = ask(client, "parity")["measured"]
    assert measured["undefined"]["roc_auc"] == "all labels are of one class"
    assert "roc_auc" not in measured["metrics"]


def test_labels_count_however_a_sender_writes_their_classes(client, collector):
    window = flips(300, seed=2)
    ids = collector.log_table(PARITY, window.drop_columns(["label"]))
    spelled = {"0": [0, False, "0.0", 0.0], "1": [1, True, "1.0", "true"]}
    truth = window.column("label").to_pylist()
    collector.label(ids, [spelled[name][i % 4] for i, name in enumerate(truth)])
    measured = ask(client, "parity")["measured"]
    right = sum(a == b for a, b in zip(truth, window.column("prediction").to_pylist(), strict=True))
    assert measured["metrics"]["accuracy"]["value"] == pytest.approx(right / 300)


@pytest.mark.parametrize("label", ["0", "1"])
def test_labels_of_one_class_are_no_fault_of_the_report(client, collector, label):
    ids = collector.log_table(PARITY, flips(300, seed=2).drop_columns(["label"]))
    collector.label(ids[:40], [label] * 40)
    measured = ask(client, "parity")["measured"]
    assert (measured["status"], set(measured["undefined"])) == ("measured", {"roc_auc", "pr_auc"})
    answer = client.get("/drift-report", params={"model": "parity", "format": "json", "wait": 120})
    assert answer.status_code == 200, answer.text
    said = msgspec.json.decode(answer.content, strict=True)["evidently"]["metrics"]
    accuracy = next(m["value"] for m in said if m["metric_name"].startswith("Accuracy"))
    assert accuracy == pytest.approx(measured["metrics"]["accuracy"]["value"])


def test_few_labels_are_not_enough(client, collector):
    log(collector, HOUSES, sales(300, seed=2), 12)
    measured = ask(client)["measured"]
    assert (measured["status"], measured["reason"]) == ("unknown", "too-few-labels")


def test_of_a_large_window_with_few_labels_all_of_them_are_used(client, collector):
    rows = SCORED_ROWS + 2_000
    ids = collector.log_table(PARITY, flips(rows, seed=2).drop_columns(["label"]))
    some = ids[::70]
    collector.label(some, ["1"] * len(some))
    said = ask(client, "parity", window="24h")
    assert (said["rows"], said["labelled_rows"]) == (SCORED_ROWS, len(some))
    assert said["label_coverage"] == pytest.approx(1 / 70, rel=0.3)


def test_the_scheduler_fills_the_gauges_and_the_history(client, collector):
    log(collector, HOUSES, sales(400, seed=3, noise=60), 200)
    wait_for(lambda: [r for r in history(client) if r["labelled_rows"] == 200], FIT)
    said, kept = ask(client), history(client)[0]
    slim = said | {"over_time": [], "measured": said["measured"] | {"residuals": None}}
    assert {k: kept[k] for k in said if k not in AS_ASKED} == {k: v for k, v in slim.items() if k not in AS_ASKED}
    mae = {**OF_HOUSES, "metric": "mae"}
    for name, side, end in (("measured", "measured", "value"), ("measured_low", "measured", "low"),
                            ("measured_high", "measured", "high"), ("estimated", "estimated", "value")):  # fmt: skip
        assert series(client, f"pilothouse_performance_{name}", **mae) == [said[side]["metrics"]["mae"][end]]
    assert series(client, "pilothouse_performance_floor", **mae) == [30]
    assert series(client, "pilothouse_performance_below_floor", **OF_HOUSES, basis="measured") == [1]
    assert series(client, "pilothouse_performance_below_floor", **OF_HOUSES, basis="estimated") == [0]
    assert series(client, "pilothouse_performance_estimate_valid", **OF_HOUSES) == [1]
    assert series(client, "pilothouse_performance_label_coverage", **OF_HOUSES) == [0.5]
    assert series(client, "pilothouse_performance_labelled_rows", **OF_HOUSES) == [200]


def test_labels_that_come_later_are_seen_without_new_records(client, collector):
    window = sales(300, seed=3)
    ids = log(collector, HOUSES, window, 0)
    wait_for(lambda: series(client, "pilothouse_performance_estimated", **OF_HOUSES, metric="mae"), FIT)
    assert series(client, "pilothouse_performance_measured", **OF_HOUSES) == []
    collector.label(ids, window.column("label").to_pylist())
    wait_for(lambda: series(client, "pilothouse_performance_measured", **OF_HOUSES, metric="mae"), FIT)


def test_nothing_is_said_twice_of_the_same_records_and_labels(client, collector):
    log(collector, PARITY, flips(300, seed=2), 100)
    service = client.app.state.drift
    (package,) = service.packages.versions("parity")
    client.portal.call(service.performance.check, package)
    kept = history(client, "parity")
    assert kept[0]["labelled_rows"] == 100
    assert client.portal.call(service.performance.check, package) is None
    assert history(client, "parity") == kept


def test_a_number_that_is_lost_leaves_no_old_gauge_behind(client, collector):
    log(collector, PARITY, flips(300, seed=2), 100)
    of = {"model": "parity", "version": "1"}
    wait_for(lambda: series(client, "pilothouse_performance_measured", **of), FIT)
    collector.stop()
    wait_for(lambda: series(client, "pilothouse_performance_computable", **of) == [0, 0], FIT)
    for name in ("measured", "measured_low", "estimated", "estimate_valid", "below_floor", "label_coverage"):
        assert series(client, f"pilothouse_performance_{name}", **of) == [], name
    said = ask(client, "parity")
    assert (said["verdict"], said["reason"]) == ("unknown", "collector-away")


def test_a_restart_does_not_fit_again(client, models, state, collector):
    fitted(client)
    with running_drift(models, state, collector.url) as again:
        log(collector, HOUSES, sales(300, seed=2), 0)
        assert ask(again)["estimated"]["status"] == "estimated"
        assert "pilothouse_drift_worker_starts_total 0.0" in again.get("/metrics").text


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ({"segment": "nope"}, 422, "unknown-column"),
        ({"segment": "label"}, 422, "unknown-column"),
        ({"window": "1y"}, 422, "invalid-window"),
        ({"version": "9"}, 404, "unknown-model"),
    ],
)
def test_a_question_that_makes_no_sense_is_a_problem(client, query, status, slug):
    answer = client.get("/performance", params={"model": "houses", **query})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (status, slug)


def test_every_column_can_be_a_segment(client, collector):
    log(collector, HOUSES, sales(300, seed=2), 200)
    for name in (*HOUSES.input_columns, "prediction"):
        segments = ask(client, segment=name)["segments"]
        assert sum(s["rows"] for s in segments) == 300, name
