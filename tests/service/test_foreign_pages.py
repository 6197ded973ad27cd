"""What a web page of another site gets from the services on real sockets, where no key is asked for: nothing."""

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from services.drift.app import create_app as create_drift
from services.drift.settings import DriftSettings
from services.inference.app import create_app as create_inference
from services.inference.settings import InferenceSettings
from testkit.drift.real import MODELS
from testkit.drift.stack import running_collector
from testkit.fakes import FakeCollector
from testkit.frontend.process import page_process
from testkit.serving import serving

HOUSES = "/models/house-prices"
CALLS = [
    ("inference", "POST", f"{HOUSES}/predict"), ("inference", "POST", "/predict"),
    ("inference", "POST", f"/v2{HOUSES}/infer"), ("inference", "POST", f"{HOUSES}/versions/1/activate"),
    ("inference", "DELETE", f"{HOUSES}/versions/1/shadow"), ("inference", "GET", "/models"),
    ("collector", "POST", "/v1/labels"), ("collector", "POST", "/v1/records"), ("collector", "POST", "/v1/alerts"),
    ("collector", "POST", "/v1/cloudevents"), ("collector", "GET", "/v1/records?model=house-prices"),
    ("collector", "OPTIONS", "/v1/records"), ("drift", "GET", "/drift?model=house-prices"),
    ("drift", "GET", "/drift-report?model=house-prices"), ("drift", "GET", "/metrics"),
    ("frontend", "GET", "/"), ("frontend", "GET", "/drift-report?model=house-prices"),
    ("frontend", "GET", "/_stcore/health"), ("frontend", "PUT", "/_stcore/upload_file/a/b"),
]  # fmt: skip
FOREIGN = [
    (421, {"host": "evil.example"}),
    (421, {"host": "evil.example:8000", "origin": "http://evil.example:8000"}),
    (403, {"origin": "http://evil.example"}),
    (403, {"origin": "http://localhost:3999"}),
    (403, {"origin": "null", "content-type": "text/plain"}),
]


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    inference = InferenceSettings(port=0, models=MODELS, state=state / "inference")
    with running_collector(state / "collector") as collector:
        drift = DriftSettings(port=0, models=MODELS, state=state / "drift", collector_url=collector.url)
        with (
            serving(create_inference(inference, CollectorRegistry(), FakeCollector())) as inference_url,
            serving(create_drift(drift, CollectorRegistry())) as drift_url,
            page_process(PILOTHOUSE_DRIFT_URL=drift_url) as (_, port),
        ):
            yield {
                "inference": inference_url,
                "collector": collector.url,
                "drift": drift_url,
                "frontend": f"http://127.0.0.1:{port}",
            }


@pytest.mark.parametrize(("status", "headers"), FOREIGN)
@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_it_is_refused_before_anything_is_looked_at(urls, call, status, headers):
    service, method, path = call
    answer = httpx2.request(method, urls[service] + path, headers=headers, content=b"{}" if method == "POST" else None)
    assert answer.status_code == status
    assert "PILOTHOUSE_ALLOWED_HOSTS" in answer.text
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("service", ["inference", "collector", "drift", "frontend"])
@pytest.mark.parametrize("headers", [{}, {"host": "localhost:1"}, {"host": "10.0.0.7"}])
def test_probes_and_scrapes_by_address_go_on(urls, service, headers):
    for path in ("/health/live", "/metrics"):
        assert httpx2.get(urls[service] + path, headers=headers).status_code == 200


@pytest.mark.parametrize("service", ["inference", "collector", "drift", "frontend"])
def test_refusals_are_counted(urls, service):
    httpx2.get(f"{urls[service]}/health/live", headers={"host": "evil.example"})
    httpx2.get(f"{urls[service]}/health/live", headers={"origin": "null"})
    counted = httpx2.get(f"{urls[service]}/metrics").text
    assert any('status="421"' in line for line in counted.splitlines())
    assert any('status="403"' in line for line in counted.splitlines())
