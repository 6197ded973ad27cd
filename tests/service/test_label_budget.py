"""No label takes a caller's value: hostile requests to the real apps, twice with other words, and series counted."""

import json
import random
import uuid
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from monitoring.exposed_metrics import exposed
from pilothouse.ids import uuid7
from pilothouse.manifest import Manifest
from pilothouse.package import open_package
from services.collector.app import create_app as collector_app
from services.collector.settings import CollectorSettings
from services.drift.app import create_app as drift_app
from services.drift.settings import DriftSettings
from services.frontend.middleware import route
from services.inference.app import create_app as inference_app
from services.inference.settings import InferenceSettings
from testkit.fakes import FakeCollector
from testkit.serving import calling, serving

MODELS = Path(__file__).resolve().parents[2] / "models"
HOUSE = open_package(MODELS / "house-prices/1").manifest
ROUNDS = 4  # of other words each


def words(seed):
    """Names as an attacker makes them: each is new, some look like ours."""
    source = random.Random(seed)
    while True:
        word = "".join(source.choices("abcdefgh-_.%é0123456789", k=source.randrange(1, 40)))
        yield source.choice(["", "house-prices", "fashion-mnist"]) + word


def hostile(word):
    """Requests of every kind, each with new words: method, path, and the rest of the request."""

    def w():
        return next(word)

    def h():
        return next(word).encode()

    house = dict(HOUSE.examples[0])
    yield "GET", f"/{w()}", {}
    yield "GET", f"/{w()}/{w()}/{w()}", {}
    yield "POST", f"/{w()}", {"json": {w(): w()}}
    yield "GET", f"/metrics/{w()}", {}
    yield "GET", "/health/ready", {"params": {w(): w()}}
    yield f"X{uuid.uuid4().hex[:8]}", "/metrics", {}
    yield "GET", "/docs", {"headers": {"traceparent": h(), "user-agent": h(), "x-request-id": h()}}
    for path in (f"/models/{w()}/predict", f"/models/house-prices/versions/{w()}/predict", "/predict"):
        yield "POST", path, {"json": house, "headers": {"pilothouse-source": h()}}
    yield "POST", "/models/house-prices/predict", {"json": house | {"wall": w()}}
    yield "POST", "/models/house-prices/predict", {"json": house | {w(): 1}}
    yield (
        "POST",
        "/models/house-prices/predict",
        {"content": w(), "headers": {"content-type": h()}},
    )
    yield "POST", f"/v2/models/{w()}/infer", {"json": {"id": w(), "inputs": []}}
    yield "POST", f"/models/{w()}/versions/{w()}/activate", {}
    yield "GET", f"/models/house-prices/examples/{w()}", {}
    record = {"id": str(uuid7()), "prediction": w(), w(): w()}
    yield "POST", "/v1/records", {"json": {"model": "house-prices", "version": "1", "records": [record]}}
    yield "POST", "/v1/records", {"json": {"model": w(), "version": w(), "records": [record]}}
    yield "POST", "/v1/labels", {"json": [{"record_id": str(uuid7()), "label": w()}, {"record_id": w(), "label": 1}]}
    yield "POST", "/v1/drift-runs", {"json": {"model": w(), "version": w(), "verdict": w()}}
    yield "POST", "/v1/alerts", {"json": {"alerts": [{"status": "firing", "labels": {"alertname": w(), w(): w()}}]}}
    yield "POST", "/v1/cloudevents", {"json": {}, "headers": {"ce-id": str(uuid.uuid4()), "ce-type": h()}}
    yield "GET", "/v1/records", {"params": {"model": w(), "columns": w(), "id": w()}}
    yield "GET", f"/v1/models/{w()}/{w()}", {}
    for path in ("/drift", "/drift-report", "/performance", "/drift/distributions", "/drift/embedding"):
        yield "GET", path, {"params": {"model": w(), "version": w(), "window": w()}}
        yield "GET", path, {"params": {"model": "house-prices", "window": w(), "columns": w(), "segment": w()}}
    yield "GET", f"/drift-report/{w()}", {}


def send(client, seed):
    word = words(seed)
    for _ in range(ROUNDS):
        for method, path, request in hostile(word):
            client.request(method, path, **request)


def series(registry):
    return {
        (s.name, tuple(sorted((k, v) for k, v in s.labels.items() if k != "le")))
        for family in registry.collect()
        for s in family.samples
    }


@pytest.fixture
def collector(tmp_path):
    registry = CollectorRegistry()
    app = collector_app(CollectorSettings(port=0, state=tmp_path, log_level="error"), registry)
    with TestClient(app, "http://localhost") as client:
        while client.get("/health/ready").status_code != 200:
            pass
        announced = client.put("/v1/models/house-prices/1", content=Manifest.model_dump_json(HOUSE))
        assert announced.status_code == 201
        yield client, registry


@pytest.fixture
def inference(tmp_path):
    registry = CollectorRegistry()
    app = inference_app(
        InferenceSettings(port=0, models=MODELS, state=tmp_path, log_level="error"), registry, FakeCollector()
    )
    with calling(app) as client:
        yield client, registry


@pytest.fixture
def drift(tmp_path):
    registry, of_collector = CollectorRegistry(), CollectorSettings(port=0, state=tmp_path / "c", log_level="error")
    with serving(collector_app(of_collector, CollectorRegistry())) as url:
        settings = DriftSettings(port=0, models=MODELS, state=tmp_path, collector_url=url, log_level="error")
        with TestClient(drift_app(settings, registry), "http://localhost") as client:
            yield client, registry


@pytest.mark.parametrize("service", ["inference", "collector", "drift"])
def test_words_of_callers_make_no_series(service, request):
    client, registry = request.getfixturevalue(service)
    send(client, seed=1)
    before = series(registry)
    send(client, seed=2)
    assert series(registry) - before == set()
    assert len(before) < 600
    known = exposed()
    assert {name for name, _ in before if not name.endswith("_created")} <= set(known), (
        "monitoring.exposed_metrics misses them"
    )


def test_the_page_counts_by_routes_that_there_are_few_of():
    word = words(3)
    asked = [f"{start}/{next(word)}" for start in ("", "/media", "/_stcore", "/static/js") for _ in range(300)]
    assert len({route(path) for path in (*asked, "", "/", "//", "/metrics", "*")}) <= 6


def test_the_count_sees_a_label_that_takes_a_callers_word():
    from prometheus_client import Counter

    registry = CollectorRegistry()
    counter = Counter("seen", "By path, which would be wrong.", ("path",), registry=registry)
    counter.labels("/a").inc()
    before = series(registry)
    counter.labels(json.dumps(next(words(4)))).inc()
    assert len(series(registry) - before) > 0
