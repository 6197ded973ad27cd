"""One trace from the caller through inference, its spool and its shipper into the collector: in the log lines, in the
record, and (where somebody takes them) as OpenTelemetry spans."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from services.collector.app import create_app as create_collector
from services.collector.settings import CollectorSettings
from services.drift.app import create_app as create_drift
from services.drift.settings import DriftSettings
from services.inference.app import create_app as create_inference
from services.inference.settings import InferenceSettings
from testkit.otlp import receiving
from testkit.serving import serving
from testkit.waiting import wait_for

MODELS = Path(__file__).parents[2] / "models"
TRACE, SPAN = "ab" * 16, "cd" * 8
CALLER = {"traceparent": f"00-{TRACE}-{SPAN}-01"}


class Stack:
    """Inference and collector in this process, their addresses and registries."""

    def __init__(self, folder, endpoint):
        self.folder, self.endpoint = folder, endpoint
        self.registries = {name: CollectorRegistry() for name in ("inference", "collector", "drift")}

    def collector(self):
        settings = CollectorSettings(port=0, state=self.folder, otlp_endpoint=self.endpoint)
        return serving(create_collector(settings, self.registries["collector"]))

    def inference(self, collector_url):
        settings = InferenceSettings(
            port=0, models=MODELS, state=self.folder, collector_url=collector_url, otlp_endpoint=self.endpoint
        )
        return serving(create_inference(settings, self.registries["inference"]))

    def drift(self, collector_url):
        settings = DriftSettings(
            port=0, models=MODELS, state=self.folder, collector_url=collector_url, otlp_endpoint=self.endpoint
        )
        return serving(create_drift(settings, self.registries["drift"]))


def example(url):
    return httpx2.get(f"{url}/models/house-prices").json()["examples"][0]


def stored(url):
    answer = httpx2.get(f"{url}/v1/records", params={"model": "house-prices", "version": "1"})
    return answer.json().get("records") if answer.is_success else None


def lines_of(text, service, path):
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [n for n in lines if (n["service"], n["event"], n.get("path")) == (service, "request", path)]


@pytest.mark.parametrize("path", ["/models/house-prices/predict", "/v2/models/house-prices/infer"])
def test_one_trace_stands_in_the_lines_of_both_services_and_in_the_record(tmp_path, capfd, path):
    stack = Stack(tmp_path, None)
    with stack.collector() as collector, stack.inference(collector) as inference:
        body = example(inference)
        if path.startswith("/v2"):
            body = {"inputs": [{"name": k, "shape": [1], "datatype": "BYTES", "data": [v]} for k, v in body.items()]}
        assert httpx2.post(f"{inference}{path}", json=body, headers=CALLER).is_success
        (record,) = wait_for(lambda: stored(collector))
        assert record["trace_id"] == TRACE
    said = capfd.readouterr().out
    (asked,) = lines_of(said, "inference", path)
    (shipped,) = [n for n in lines_of(said, "collector", "/v1/records") if n["method"] == "POST"]
    for line in (asked, shipped):
        assert (line["trace_id"], line["model"], line["version"], line["status"]) == (TRACE, "house-prices", "1", 200)
        assert line["ms"] > 0
    assert shipped["records"] == 1


def test_lines_name_the_model_where_the_address_does(tmp_path, capfd):
    with Stack(tmp_path, None).collector() as collector:
        httpx2.get(f"{collector}/v1/records", params={"model": "m", "version": "7"})
        httpx2.get(f"{collector}/v1/models/m/8")
    said = capfd.readouterr().out
    found = [lines_of(said, "collector", path)[0] for path in ("/v1/records", "/v1/models/m/8")]
    assert [(n["model"], n["version"]) for n in found] == [("m", "7"), ("m", "8")]


def test_spans_of_every_step_come_to_whoever_takes_them(tmp_path):
    with receiving() as (endpoint, spans):
        stack = Stack(tmp_path, endpoint)
        with stack.collector() as collector, stack.inference(collector) as inference:
            url = f"{inference}/models/house-prices/predict"
            assert httpx2.post(url, json=example(inference), headers=CALLER).is_success
            wait_for(lambda: stored(collector))
            with stack.drift(collector):
                wait_for(lambda: [s for s in spans if s.name == "drift run"])
            mine = wait_for(lambda: (f := {s.name: s for s in spans if s.trace_id == TRACE}) and len(f) >= 6 and f)
        run = [s for s in spans if s.name == "drift run"]
    names = {"POST /models/{name}/predict": SPAN, "model run": None, "spool append": None, "ship batch": None,
             "POST /v1/records": None, "ingest": None}  # fmt: skip
    assert set(mine) == set(names)
    asked, shipped, ingested = (mine[n] for n in ("POST /models/{name}/predict", "ship batch", "POST /v1/records"))
    assert (asked.parent, asked.service, asked.kind) == (SPAN, "pilothouse-inference", 2)
    assert asked.attributes["http.response.status_code"] == 200 and asked.attributes["pilothouse.version"] == "1"
    assert {mine[n].parent for n in ("model run", "spool append")} == {asked.span_id}
    assert asked.begun <= mine["model run"].begun <= mine["model run"].ended <= asked.ended + 0.01
    assert (ingested.parent, ingested.service) == (shipped.span_id, "pilothouse-collector")
    assert mine["ingest"].parent == ingested.span_id
    assert {s.service for s in run} == {"pilothouse-drift"}
    read = [s for s in spans if s.service == "pilothouse-collector" and s.trace_id in {r.trace_id for r in run}]
    assert read, "what a drift run asks of the collector is part of its trace"


def test_a_receiver_that_refuses_costs_a_count_and_a_warning_and_no_prediction(tmp_path, capfd):
    with receiving(status=400) as (endpoint, _):
        stack = Stack(tmp_path, endpoint)
        with stack.collector() as collector, stack.inference(collector) as inference:
            body = example(inference)
            for _ in range(20):
                assert httpx2.post(f"{inference}/models/house-prices/predict", json=body).is_success
            registry = stack.registries["inference"]
            wait_for(lambda: registry.get_sample_value("pilothouse_spans_total", {"outcome": "failed"}) >= 20)
    assert capfd.readouterr().out.count("cannot be exported") == 2, "once for each service"


def test_a_receiver_that_is_away_delays_neither_predictions_nor_the_end(tmp_path):
    stack = Stack(tmp_path, "http://127.0.0.1:9")
    with stack.collector() as collector, stack.inference(collector) as inference:
        body = example(inference)
        begun = time.monotonic()
        for _ in range(50):
            assert httpx2.post(f"{inference}/models/house-prices/predict", json=body).is_success
        assert time.monotonic() - begun < 10
        begun = time.monotonic()
    assert time.monotonic() - begun < 30


OFF = """
import sys
from prometheus_client import CollectorRegistry
from services.{service}.app import create_app
from services.{service}.settings import {kind}
app = create_app({kind}(port=0), CollectorRegistry())
assert app.state.spans is None
print([m for m in sys.modules if m.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "google.protobuf"))])
"""


@pytest.mark.parametrize("service", ["inference", "collector", "drift"])
def test_without_the_setting_nothing_of_it_is_imported(service):
    program = OFF.format(service=service, kind=f"{service.capitalize()}Settings")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


HIDDEN = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):  # as where the extra is not installed
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))
        return None if hidden else super().find_spec(name, path, target)

sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
from services.{service}.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("endpoint", "program", "sentence"),
    [
        ("http://127.0.0.1:4318", HIDDEN, "is not installed: pip install 'pilothouse[otel]'"),
        ("collector:4318", "from services.{service}.__main__ import main; main()", "begins with http:// or https://"),
    ],
)
@pytest.mark.parametrize("service", ["inference", "collector", "drift"])
def test_a_setting_that_cannot_be_meant_ends_the_service_at_its_start_with_a_sentence(
    service, endpoint, program, sentence
):
    done = subprocess.run(
        [sys.executable, "-c", program.format(service=service)],
        env=os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("OTEL_EXPORTER_OTLP_ENDPOINT=") and sentence in done.stderr
    assert "Traceback" not in done.stderr
