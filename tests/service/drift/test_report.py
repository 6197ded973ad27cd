"""/drift-report: Evidently's report of real records, made by the real worker."""

import gzip
import os
import re
import signal
import time

import msgspec
import pytest

from testkit.drift.real import MODELS, house_frames, house_inputs, image_inputs, image_sets, packed, parts
from testkit.drift.running import running_drift
from testkit.waiting import wait_for
from training.fashion_mnist import splits

ROWS = 300
WAIT = 120
HOUSES = {"model": "house-prices", "window": f"rows={ROWS}", "wait": WAIT}


@pytest.fixture(scope="module")
def client(tmp_path_factory, collector):
    """Both packed models, each with drifted records; the images have labels."""
    send(collector, "house-prices", house_inputs(house_frames()["1998"].sample(ROWS, random_state=1)))
    labels = splits().held_out.names[:ROWS]
    ids = send(collector, "fashion-mnist", image_inputs(image_sets(800, 400)["inverted"][:ROWS]))
    collector.label(ids[: ROWS // 2], labels[: ROWS // 2])
    with running_drift(MODELS, tmp_path_factory.mktemp("drift"), collector.url) as client:
        yield client


def send(collector, name, inputs):
    model = packed(name)
    collector.announce(model.manifest)
    rows = [list(row) for part in parts(inputs) for row in model.log_rows(part, model.run(part))]
    return collector.log(model.manifest, [c.name for c in model.columns_logged], rows)


def metric(client, name):
    lines = client.get("/metrics").text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


def worker_of(client):
    return client.app.state.drift.reports._maker._process


@pytest.fixture(scope="module")
def report(client):
    answer = client.get("/drift-report", params={**HOUSES, "format": "json"})
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, strict=True)


def metrics_of(report, kind):
    return [m for m in report["evidently"]["metrics"] if m["metric_name"].startswith(kind)]


def test_the_scores_thresholds_and_methods_are_the_same_as_in_drift(client, report):
    said = client.get("/drift", params={"model": "house-prices", "window": f"rows={ROWS}"}).json()
    assert {k: v for k, v in report["drift"].items() if k != "at"} == {k: v for k, v in said.items() if k != "at"}
    theirs = {m["config"]["column"]: m for m in metrics_of(report, "ValueDrift")}
    assert set(theirs) == {c["name"] for c in said["columns"]}
    for column in said["columns"]:
        config, value = theirs[column["name"]]["config"], theirs[column["name"]]["value"]
        assert (config["method"], config["threshold"]) == (column["stattest"], column["threshold"])
        assert value == pytest.approx(column["score"], abs=1e-6)


def test_the_verdict_is_the_same_as_in_drift(report):
    said, counted = report["drift"], metrics_of(report, "DriftedColumnsCount")[0]["value"]
    assert counted["count"] == len(said["drifted_columns"])
    assert counted["share"] == pytest.approx(said["drift_share"])
    assert metrics_of(report, "DriftedColumnsCount")[0]["config"]["drift_share"] == said["drift_share_limit"]
    assert (counted["share"] >= said["drift_share_limit"]) == (said["verdict"] == "drift")


def test_evidentlys_default_tests_which_cry_wolf_are_left_out(report):
    assert report["evidently"]["tests"] == []


def test_the_quality_of_every_column_is_reported(report):
    described = {m["config"]["column"] for m in metrics_of(report, "MissingValueCount") if "column" in m["config"]}
    assert described == {c["name"] for c in report["drift"]["columns"]}


def test_the_page_says_the_verdict_and_carries_everything_with_it(client, report):
    page = client.get("/drift-report", params=HOUSES)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    banner = page.text.split('<div class="pilothouse">')[1].split("</div>")[0]
    assert ">drift</b>house-prices 1" in banner
    assert f"{ROWS} rows" in banner
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//", page.text)


def test_it_is_sent_compressed_to_those_who_can_take_it(client, report):
    raw = client.get("/drift-report", params=HOUSES, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in raw.headers
    with client.stream("GET", "/drift-report", params=HOUSES, headers={"accept-encoding": "gzip"}) as packed_page:
        assert packed_page.headers["content-encoding"] == "gzip"
        compressed = b"".join(packed_page.iter_raw())
    assert len(compressed) < len(raw.content) / 2
    assert gzip.decompress(compressed) == raw.content


def test_the_same_records_are_reported_once(client, report):
    made = metric_of_outcome(client, "made")
    for _ in range(3):
        assert client.get("/drift-report", params=HOUSES).status_code == 200
    assert metric_of_outcome(client, "made") == made


def metric_of_outcome(client, outcome):
    lines = client.get("/metrics").text.splitlines()
    wanted = f'pilothouse_drift_reports_total{{outcome="{outcome}"}}'
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted)), 0.0)


def test_until_it_is_made_a_program_is_told_where_to_look(client):
    query = {"model": "house-prices", "window": "rows=250", "format": "json"}
    first = client.get("/drift-report", params=query)
    assert first.status_code == 202
    assert int(first.headers["retry-after"]) > 0
    second = client.get("/drift-report", params=query)
    assert second.headers["location"] == first.headers["location"] == first.json()["location"]
    answer = client.get(first.headers["location"] + f"&wait={WAIT}")
    assert answer.status_code == 200
    assert answer.json()["drift"]["rows"] == 250


def test_until_it_is_made_a_browser_gets_a_page_that_asks_again(client):
    query = {"model": "house-prices", "window": "rows=200"}
    first = client.get("/drift-report", params=query, headers={"accept": "text/html,*/*;q=0.8"})
    assert first.status_code == 202
    assert "is being made" in first.text
    seconds, _, address = first.headers["refresh"].partition("; url=")
    assert int(seconds) > 0
    assert "drawDashboard" in client.get(address, params={"wait": WAIT}).text


def test_a_report_that_nobody_asked_for_is_not_there(client):
    answer = client.get("/drift-report/0123456789")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:pilothouse:problem:unknown-report")


def test_where_labels_have_come_performance_is_reported(client):
    query = {"model": "fashion-mnist", "window": f"rows={ROWS}", "wait": WAIT, "format": "json"}
    body = client.get("/drift-report", params=query).json()
    accuracy = metrics_of(body, "Accuracy")[0]["value"]
    assert 0 <= accuracy < 0.5, "inverted images are misclassified"
    assert body["drift"]["verdict"] == "drift"


def test_prices_with_labels_get_the_report_of_a_regression(client, collector):
    frame = house_frames()["1997"].sample(ROWS, random_state=2)
    ids = send(collector, "house-prices", house_inputs(frame))
    collector.label(ids, frame["price_per_m2"].astype(float).tolist())
    body = client.get("/drift-report", params={**HOUSES, "format": "json"}).json()
    assert metrics_of(body, "MAE")[0]["value"]["mean"] > 10


def test_the_worker_is_one_process_for_all_reports(client, report):
    starts = metric(client, "pilothouse_drift_worker_starts_total")
    client.get("/drift-report", params={**HOUSES, "window": "rows=120"})
    assert metric(client, "pilothouse_drift_worker_starts_total") == starts
    assert metric(client, "pilothouse_drift_worker_up") == 1
    assert metric(client, "pilothouse_drift_worker_memory_bytes") > 100e6


def test_a_worker_that_is_killed_while_idle_is_not_up(client, report):
    client.get("/drift-report", params={**HOUSES, "window": "rows=140"})
    os.kill(worker_of(client).pid, signal.SIGKILL)
    wait_for(lambda: metric(client, "pilothouse_drift_worker_up") == 0)
    assert client.get("/drift-report", params={**HOUSES, "window": "rows=141"}).status_code == 200
    assert metric(client, "pilothouse_drift_worker_up") == 1


def test_a_worker_that_is_killed_costs_one_report(client, report):
    query = {**HOUSES, "window": "rows=130"}
    process = worker_of(client)
    os.kill(process.pid, signal.SIGSTOP)
    begun = client.get("/drift-report", params={**query, "wait": 0})
    deadline = time.monotonic() + 30
    while not client.app.state.drift.reports._maker._lock.locked():
        assert time.monotonic() < deadline, "the report never reached the worker"
        time.sleep(0.02)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGKILL)
    failed = client.get(begun.headers["location"], params={"wait": WAIT})
    assert failed.status_code == 503
    assert failed.json()["type"].endswith("report-failed")
    assert client.get("/drift-report", params=query).status_code == 200
    assert client.get("/drift", params={"model": "house-prices"}).status_code == 200


def test_while_a_report_is_made_everything_else_answers_at_once(client):
    client.get("/drift-report", params={**HOUSES, "window": "rows=299", "wait": 0})
    slowest = 0.0
    for _ in range(50):
        begun = time.perf_counter()
        assert client.get("/health/live").status_code == 200
        slowest = max(slowest, time.perf_counter() - begun)
    assert slowest < 1  # a report holds its interpreter for seconds
