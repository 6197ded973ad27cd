"""The page's address answers for the drift service: the real page, drift service and collector, each on its port."""

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from services.drift.app import create_app
from services.drift.settings import DriftSettings
from testkit.drift.real import MODELS, house_frames, house_inputs, packed, parts
from testkit.drift.stack import running_collector
from testkit.frontend.process import page_process
from testkit.serving import serving
from testkit.waiting import wait_for

ROWS = 300
HOUSES = {"model": "house-prices", "window": f"rows={ROWS}"}
KEY = "a-key-that-may-read-and-nothing-else"
BROWSER = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A client of the page, without a key. The drift service wants one, and there are drifted sales in the log."""
    state = tmp_path_factory.mktemp("state")
    keys = state / "keys"
    keys.write_text(f"{KEY} read\n")
    with running_collector(state / "collector") as collector:
        model = packed("house-prices")
        collector.announce(model.manifest)
        inputs = house_inputs(house_frames()["1998"].sample(ROWS, random_state=1))
        rows = [list(row) for part in parts(inputs) for row in model.log_rows(part, model.run(part))]
        collector.log(model.manifest, [c.name for c in model.columns_logged], rows)
        settings = DriftSettings(
            port=0, models=MODELS, state=state / "drift", collector_url=collector.url, api_keys_file=keys,
            log_level="warning",
        )  # fmt: skip
        with (
            serving(create_app(settings, CollectorRegistry())) as url,
            page_process(PILOTHOUSE_DRIFT_URL=url, PILOTHOUSE_API_KEY=KEY) as (_, port),
            httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client,
        ):
            assert httpx2.get(f"{url}/drift", params=HOUSES).status_code == 401
            yield client


def test_a_program_reads_the_verdict_and_the_performance(page):
    assert page.get("/drift", params=HOUSES).json()["verdict"] == "drift"
    assert page.get("/performance", params=HOUSES).json()["model"] == "house-prices"
    assert page.get("/drift/distributions", params=HOUSES).json()["columns"]
    assert page.get("/drift/history", params={"model": "house-prices"}).json()["drift_runs"]


def test_a_browser_gets_the_view_at_the_same_address(page):
    answer = page.get("/drift", params=HOUSES, headers=BROWSER)
    assert '<div id="root">' in answer.text
    assert "Accept" in answer.headers["vary"]


def test_a_browser_waits_for_the_report_and_gets_it(page):
    first = page.get("/drift-report", params=HOUSES, headers=BROWSER)
    assert first.status_code == 202
    _, _, again = first.headers["refresh"].partition("url=")
    done = wait_for(lambda: (got := page.get(again, headers=BROWSER)).status_code == 200 and got, seconds=90)
    assert "<html" in done.text[:2000].lower()
    assert len(done.content) > 1_000_000
    assert done.headers["content-security-policy"].startswith("sandbox allow-scripts;")
    assert done.headers["content-encoding"] == "gzip"


def test_the_report_can_be_had_in_one_call_and_as_json(page):
    answer = page.get("/drift-report", params={**HOUSES, "wait": 90, "format": "json"})
    assert answer.json()["drift"]["verdict"] == "drift"


def test_what_the_drift_service_refuses_is_refused_in_its_words(page):
    answer = page.get("/drift-report", params={"model": "nobody"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:pilothouse:problem:unknown-model")
    assert page.get("/drift-report/0000").json()["type"] == "urn:pilothouse:problem:unknown-report"


def test_nothing_is_scored_or_read_by_another_address(page):
    assert page.post("/drift/run", params=HOUSES).status_code == 405
    assert page.post("/drift", params=HOUSES).status_code == 405
    assert "<title>" in page.get("/v1/records").text
