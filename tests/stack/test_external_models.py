"""A model that is served elsewhere is watched like one that is served here: what KServe's logger posts, and plain JSON.

The collector and the drift service run as processes, with API keys; the model's answers are those of the packed
house-prices model, which neither of them loads.
"""

import json
import os
import subprocess
import sys
import time

import httpx2
import pandas as pd
import pytest

import pilothouse
from pilothouse.columns import record_columns
from pilothouse.ids import row_id, uuid7
from pilothouse.manifest import Monitoring
from testkit.collector.cloudevents import REQUEST, RESPONSE, headers
from testkit.drift.real import house_frames, house_inputs, packed, parts
from testkit.ports import free_ports
from testkit.waiting import wait_for
from training import house_prices

NAME, TARGET = "toledo-prices", "price_per_m2"
INGEST, READ, SERVICE = "ingest-key-of-somebody", "read-key-of-somebody-else", "key-of-the-drift-service"
MONITORING = packed("house-prices").manifest.monitoring.model_dump() | {"window_rows": 500, "interval_seconds": 5}


def predicted(frame):
    """What the model answers for rows, as whoever serves it would log it."""
    model = packed("house-prices")
    return [float(value) for part in parts(house_inputs(frame)) for value in model.run(part).prediction]


def pack(models, version="1"):
    reference = house_prices.splits(house_prices.read()).reference
    features = {f.name: f.model_dump(exclude={"name"}) for f in packed("house-prices").manifest.input.features}
    pilothouse.pack_external(
        name=NAME, version=version, task="regression", reference=reference.assign(prediction=predicted(reference)),
        target=TARGET, into=models, features=features, monitoring=Monitoring(**MONITORING),
    )  # fmt: skip


class Services:
    """The two processes, and callers with a key."""

    def __init__(self, folder):
        self.models, self.folder = folder / "models", folder
        self.ports = dict(zip(("collector", "drift"), free_ports(2), strict=True))
        keys = folder / "keys"
        keys.write_text(f"{INGEST} ingest\n{READ} read\n{SERVICE} ingest,read\n")
        self._environment = os.environ | {
            "COLLECTOR_PORT": str(self.ports["collector"]), "DRIFT_PORT": str(self.ports["drift"]),
            "PILOTHOUSE_STATE": str(folder / "state"), "PILOTHOUSE_MODELS": str(self.models),
            "PILOTHOUSE_COLLECTOR_URL": self.url("collector"), "PILOTHOUSE_API_KEYS_FILE": str(keys),
            "PILOTHOUSE_API_KEY": SERVICE, "PILOTHOUSE_LOG_LEVEL": "warning",
        }  # fmt: skip
        self.running = {}

    def url(self, service, path=""):
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    def start(self, service):
        self.running[service] = subprocess.Popen([sys.executable, "-m", f"services.{service}"], env=self._environment)
        wait_for(lambda: self._is_ready(service), 60)

    def stop(self, service):
        process = self.running.pop(service)
        process.terminate()
        process.wait(30)

    def _is_ready(self, service):
        try:
            return httpx2.get(self.url(service, "/health/ready")).is_success
        except httpx2.TransportError:
            return False

    def read(self, service, path, **query):
        answer = httpx2.get(self.url(service, path), params=query, headers=bearer(READ), timeout=130)
        assert answer.is_success, answer.text[:500]
        return answer

    def records(self, version="1"):
        stats = self.read("collector", "/v1/stats", model=NAME).json()["models"]
        return {m["version"]: m["records"] for m in stats}.get(version)

    def verdict(self, version="1"):
        """The verdict over every record there is now."""
        answer = httpx2.post(
            self.url("drift", "/drift/run"), params={"model": NAME, "version": version}, headers=bearer(SERVICE),
            timeout=60,
        )  # fmt: skip
        assert answer.is_success, answer.text
        return answer.json()

    def post_event(self, kind, event_id, body):
        """As KServe's logger does, with the key in the address of the sink: http://kserve:KEY@collector/..."""
        sent = headers(kind, event_id, NAME, time=pd.Timestamp.now("UTC").isoformat())
        address = self.url("collector", "/v1/cloudevents").replace("http://", f"http://kserve:{INGEST}@")
        answer = httpx2.post(address, content=json.dumps(body).encode(), headers=sent, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    services = Services(tmp_path_factory.mktemp("elsewhere"))
    pack(services.models)
    pack(services.models, "2")
    services.start("drift")  # before the collector, whom it has to wait for
    services.start("collector")
    yield services
    for service in list(services.running):
        services.stop(service)


def rows_of(frame):
    model = packed("house-prices")
    names = [f.name for f in model.manifest.input.features]
    return frame[names].assign(sale_date=frame["sale_date"].dt.strftime("%Y-%m-%d"))


def v1(frame):
    """Protocol V1: objects by name."""
    return {"instances": rows_of(frame).to_dict("records")}, {"predictions": predicted(frame)}


def v2(frame):
    """The Open Inference Protocol: a tensor a feature, as MLServer's pandas codec has it."""
    datatypes = {"f": "FP64", "i": "INT64", "O": "BYTES"}
    columns = rows_of(frame)
    inputs = [
        {"name": n, "shape": [len(frame), 1], "datatype": datatypes.get(columns[n].dtype.kind, "BYTES"),
         "data": columns[n].astype(object).tolist(), "parameters": {"content_type": "pd"}}
        for n in columns
    ]  # fmt: skip
    output = {"name": "output-0", "shape": [len(frame), 1], "datatype": "FP64", "data": predicted(frame)}
    return {"id": "1", "inputs": inputs}, {"model_name": NAME, "model_version": "v3", "outputs": [output]}


def log(services, frame, shape, rows=50):
    """Every row through KServe's logger, some at a time; the record ids, which the caller chose."""
    ids = []
    for start in range(0, len(frame), rows):
        part, chosen = frame.iloc[start : start + rows], uuid7()
        asked, answered = shape(part)
        assert services.post_event(REQUEST, str(chosen), asked) == {"outcome": "waiting"}
        done = services.post_event(RESPONSE, str(chosen), answered)
        assert done == {"outcome": "joined", "accepted": len(part)}, done
        ids += [str(row_id(chosen, row)) for row in range(len(part))]
    return ids


def wait_until_announced(services):
    def known():
        try:
            models = services.read("collector", "/v1/models").json()["models"]
        except httpx2.TransportError:
            return False
        return {("toledo-prices", "1"), ("toledo-prices", "2")} <= {(m["model"], m["version"]) for m in models}

    wait_for(known, 60)


def test_events_are_enough_for_records_a_verdict_a_report_and_performance(services):
    wait_until_announced(services)
    frames = house_frames()
    clean = frames["held_out"].sample(500, random_state=3)
    ids = log(services, clean, v1)
    assert services.records("2") == 500, "the newest version is meant"
    said = services.verdict("2")
    assert (said["verdict"], said["rows"]) == ("no drift", 500), said["message"]
    labels = [{"record_id": i, "label": float(v)} for i, v in zip(ids, clean[TARGET], strict=True)]
    answer = httpx2.post(services.url("collector", "/v1/labels"), json=labels, headers=bearer(INGEST), timeout=60)
    assert answer.json()["accepted"] == 500
    report = services.read("drift", "/drift-report", model=NAME, version="2", wait=120)
    assert report.headers["content-type"].startswith("text/html") and len(report.content) > 1e6
    performance = services.read("drift", "/performance", model=NAME, version="2").json()
    expected = (clean[TARGET] - predicted(clean)).abs().mean()
    assert performance["measured"]["metrics"]["mae"]["value"] == pytest.approx(expected, rel=1e-6)

    log(services, frames["1998"].sample(500, random_state=3), v2)
    said = services.verdict("2")
    assert said["verdict"] == "drift", said["message"]
    assert "sale_date" in said["drifted_columns"]


def test_plain_json_with_the_scope_ingest_is_enough_too(services):
    wait_until_announced(services)
    frame = house_frames()["held_out"].sample(300, random_state=4)
    manifest = services.read("collector", f"/v1/models/{NAME}/1").json()
    assert manifest["runtime"] == "external"
    records = [
        row | {"id": str(uuid7()), "prediction": value}
        for row, value in zip(rows_of(frame).to_dict("records"), predicted(frame), strict=True)
    ]
    columns = {c.name for c in record_columns(packed("house-prices").manifest)} - {"latency_ms", "source", "trace_id"}
    assert set(records[0]) == columns | {"id"}
    body = {"model": NAME, "version": "1", "records": records}
    address = services.url("collector", "/v1/records")
    assert httpx2.post(address, json=body, headers=bearer(READ)).status_code == 403
    done = httpx2.post(address, json=body, headers=bearer(INGEST), timeout=60)
    assert done.json() == {"accepted": 300, "duplicates": 0, "rejected": []}
    said = services.verdict("1")
    assert (said["verdict"], said["rows"]) == ("no drift", 300), said["message"]


def test_a_collector_that_is_killed_between_request_and_response_joins_them_all_the_same(services):
    wait_until_announced(services)
    before = services.records("2") or 0
    asked, answered = v1(house_frames()["held_out"].head(3))
    chosen = str(uuid7())
    assert services.post_event(REQUEST, chosen, asked)["outcome"] == "waiting"
    services.running["collector"].kill()
    services.running.pop("collector").wait()
    services.start("collector")
    assert services.post_event(RESPONSE, chosen, answered)["accepted"] == 3
    assert services.records("2") == before + 3


def test_a_collector_with_another_database_learns_the_models_again(services):
    services.stop("collector")
    for file in (services.folder / "state").glob("collector.sqlite*"):
        file.unlink()
    services.start("collector")
    begun = time.monotonic()
    wait_for(lambda: services.records("1") == 0, 90)
    assert time.monotonic() - begun < 75
