"""Calls end in an answer, or in one of three errors, and never hang."""

import socket
import time

import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from services.frontend.clients import cache
from services.frontend.clients import services as clients
from services.frontend.errors import ServiceAway, ServiceOdd, ServiceRefused
from services.frontend.metrics import PageMetrics
from services.frontend.settings import FrontendSettings
from testkit.collector.driver import MANIFEST
from testkit.drift.stack import running_collector
from testkit.frontend.manifests import EXAMPLE, houses
from testkit.frontend.stand_in import png
from testkit.ports import closed_address
from testkit.serving import serving


@pytest.fixture
def metrics():
    return PageMetrics(CollectorRegistry())


@pytest.fixture
def connected(metrics):
    opened = []

    def connect(url, **settings):
        urls = dict.fromkeys(("inference_url", "collector_url", "drift_url"), url)
        opened.append(clients.connect(FrontendSettings(**urls, **settings), metrics))
        return opened[-1]

    yield connect
    for services in opened:
        services.close()


def test_a_prediction_comes_back_typed(stand_in_url, connected):
    prediction = connected(stand_in_url).inference.predict("houses", "1", EXAMPLE)
    assert (prediction.model, prediction.prediction, prediction.logged) == ("houses", 1015.25, True)


def test_an_image_is_sent_as_it_is(stand_in_url, connected):
    prediction = connected(stand_in_url).inference.predict_image("pneumonia", "2", png())
    assert prediction.probabilities == {"normal": 0.1, "pneumonia": 0.9}


def test_a_refusal_carries_the_fault_of_every_field(stand_in_url, connected):
    with pytest.raises(ServiceRefused) as refused:
        connected(stand_in_url).inference.predict("houses", "1", EXAMPLE | {"year_built": 1700, "garage": "x"})
    assert refused.value.status == 422
    assert [(f.path, f.code) for f in refused.value.faults] == [
        ("year_built", "out_of_range"), ("garage", "unknown_category"),
    ]  # fmt: skip


def test_a_manifest_is_read_past_what_the_service_adds(stand_in_url, connected):
    assert connected(stand_in_url).inference.manifest("houses", "1") == houses()


def test_the_key_and_the_source_are_sent(stand_in, stand_in_url, connected):
    connected(stand_in_url, api_key="k" * 20).inference.predict("houses", "1", EXAMPLE)
    assert stand_in.headers[-1]["authorization"] == "Bearer " + "k" * 20
    assert stand_in.headers[-1]["pilothouse-source"] == "page"


def test_nobody_there_is_said_at_once(connected):
    begun = time.monotonic()
    with pytest.raises(ServiceAway) as gone:
        connected(closed_address()).drift.verdict("houses", "1")
    assert gone.value.service == "drift"
    assert time.monotonic() - begun < 3


def test_a_password_in_an_address_is_used_and_never_shown(connected):
    asked = []

    def stats(request):
        asked.append(request.headers["authorization"])
        return PlainTextResponse("no", 503)

    with serving(Starlette(routes=[Route("/v1/stats", stats)])) as url:
        client = connected(url.replace("//", "//ann:pass-word@")).collector
        with pytest.raises(ServiceRefused) as refused:
            client.stats()
    assert asked[0].startswith("Basic ")
    assert "pass-word" not in f"{client.connection.url} {refused.value}"
    with pytest.raises(ServiceAway) as away:
        client.stats()
    assert "pass-word" not in away.value.url


def test_a_service_that_hangs_is_away_after_the_timeout(connected):
    def sleep(_):
        time.sleep(1)
        return PlainTextResponse("late")

    with serving(Starlette(routes=[Route("/v1/stats", sleep)])) as url, pytest.raises(ServiceAway, match="in time"):
        connected(url, timeout_seconds=0.2).collector.stats()


@pytest.mark.parametrize(
    "body", ["<html>", '{"models": 3}', "\udcff".encode("utf-8", "surrogatepass").decode("latin-1")]
)
def test_an_answer_of_another_shape_is_odd(connected, body):
    answer = Starlette(routes=[Route("/models", lambda _: PlainTextResponse(body))])
    with serving(answer) as url, pytest.raises(ServiceOdd):
        connected(url).inference.models()


def test_an_error_that_is_no_problem_json_still_says_something(connected):
    broken = Starlette(routes=[Route("/models", lambda _: PlainTextResponse("boom", 500))])
    with serving(broken) as url, pytest.raises(ServiceRefused) as refused:
        connected(url).inference.models()
    assert (refused.value.status, refused.value.detail) == (500, "boom")


def test_a_log_that_was_never_begun_is_empty(stand_in_url, connected):
    assert connected(stand_in_url).collector.records("nobody", "1", 5).records == []


def test_windows_that_are_not_chosen_are_not_sent(stand_in, stand_in_url, connected):
    stand_in.drift = {"model": "houses", "version": "1", "verdict": "no drift"}
    drift = connected(stand_in_url).drift
    drift.verdict("houses", "1")
    drift.verdict("houses", "1", "24h")
    assert stand_in.calls == ["/drift?model=houses&version=1", "/drift?model=houses&version=1&window=24h"]


def test_health_tells_ready_waiting_and_away_apart(stand_in, stand_in_url, connected):
    connection = connected(stand_in_url).inference.connection
    assert clients.check_health(connection).state == "ready"
    stand_in.ready = False
    waiting = clients.check_health(connection)
    assert (waiting.state, waiting.reasons) == ("waiting", {"service": "models: still loading"})
    assert clients.check_health(connected(closed_address()).drift.connection).state == "away"


def test_calls_are_counted_by_service_and_outcome(stand_in_url, connected, metrics):
    services = connected(stand_in_url)
    services.collector.stats()
    with pytest.raises(ServiceRefused):
        services.drift.performance("houses", "1")

    def count(service, outcome):
        labels = {"service": service, "outcome": outcome}
        return metrics.registry.get_sample_value("pilothouse_page_calls_total", labels)

    assert count("collector", "answered") == 1
    assert count("drift", "refused") == 1


def test_a_label_is_stored_or_refused_with_the_reason(connected, tmp_path):
    columns = ["id", "area", "rooms", "Kind", "pool", "sold", "prediction", "probability_no", "probability_yes"]
    with running_collector(tmp_path) as collector:
        collector.announce(MANIFEST)
        (one,) = collector.log(MANIFEST, columns[1:], [[81.5, 3, "flat", True, 0, "yes", 0.25, 0.75]])
        client = connected(collector.url).collector
        assert client.label(one, "yes") is None
        assert "'banana' is no class of the model; it has 'no', 'yes'" in client.label(one, "banana")
        assert [given.label for given in client.labels(one)] == ["yes"]


def test_a_service_that_hangs_costs_a_call_that_may_take_long_no_more_than_a_quick_one(connected):
    """A process that is stopped takes connections and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        services = connected(f"http://127.0.0.1:{hanging.getsockname()[1]}", timeout_seconds=0.5)
        begun = time.monotonic()
        with pytest.raises(ServiceAway, match="no answer in time"):
            services.drift.verdict("houses", "1")
    assert time.monotonic() - begun < 5


def test_an_answer_is_kept_for_some_seconds_until_it_is_to_be_forgotten(stand_in, stand_in_url, connected):
    services = connected(stand_in_url)
    assert services.inference.models() is services.inference.models()
    assert stand_in.calls == ["/models"]
    cache.forget()
    services.inference.models()
    assert stand_in.calls == ["/models"] * 2


def test_answers_of_two_addresses_are_kept_apart(stand_in_url, connected):
    other = Starlette(routes=[Route("/models", lambda _: JSONResponse({"models": []}))])
    with serving(other) as url:
        assert len(connected(stand_in_url).inference.models()) == 2
        assert connected(url).inference.models() == []


def test_what_is_wrong_in_an_answer_is_named(stand_in, stand_in_url, connected):
    stand_in.drift = {"model": "houses", "version": "1", "verdict": "perhaps"}
    with pytest.raises(ServiceOdd, match="verdict: Input should be 'drift', 'no drift' or 'unknown'"):
        connected(stand_in_url).drift.verdict("houses", "1")
