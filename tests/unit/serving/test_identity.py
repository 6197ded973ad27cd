"""ID tokens towards other Cloud Run services, from a metadata server over HTTP."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from pilothouse.errors import RemoteError
from pilothouse.serving.identity import HEADER, IdentityError, IdentityToken, identity_for
from services.drift.collector import HttpRecords
from services.drift.errors import CollectorAwayError
from services.frontend.clients.services import connect
from services.frontend.errors import ServiceAway
from services.frontend.metrics import PageMetrics
from services.frontend.settings import FrontendSettings
from services.inference.collector import HttpCollector
from services.inference.settings import InferenceSettings
from testkit.metadata_server import claims, serving_metadata

RECEIVER = "https://pilothouse-collect-123.europe-west1.run.app"
NOW = 1_800_000_000.0


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def metadata():
    with serving_metadata(NOW + 3600) as (server, host):
        yield server, host


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def identity(metadata, clock):
    return IdentityToken(RECEIVER, metadata[1], clock)


def sent(identity):
    """The headers that a call to the receiver goes out with."""
    seen = []
    transport = httpx2.MockTransport(lambda request: seen.append(request.headers) or httpx2.Response(200))
    with httpx2.Client(transport=transport, auth=identity, headers={"Authorization": "Bearer our-key"}) as client:
        client.get(f"{RECEIVER}/v1/stats")
    return seen[0]


def test_a_call_carries_a_token_for_its_receiver_and_leaves_the_key_where_it_was(identity):
    headers = sent(identity)
    assert claims(headers[HEADER].removeprefix("Bearer "))["aud"] == RECEIVER
    assert headers["Authorization"] == "Bearer our-key"


def test_a_token_is_asked_for_once_until_five_minutes_before_it_expires(identity, metadata, clock):
    sent(identity)
    clock.now = NOW + 3600 - 301
    sent(identity)
    assert metadata[0].audiences == [RECEIVER]
    clock.now += 2
    sent(identity)
    assert metadata[0].audiences == [RECEIVER] * 2


def test_threads_that_call_at_once_ask_once(identity, metadata):
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: identity.token(), range(8)))) == 1
    assert metadata[0].audiences == [RECEIVER]


def test_an_asynchronous_client_carries_it_too(identity):
    async def call():
        seen = []
        transport = httpx2.MockTransport(lambda request: seen.append(request.headers[HEADER]) or httpx2.Response(200))
        async with httpx2.AsyncClient(transport=transport, auth=identity) as client:
            await client.get(RECEIVER)
            await client.get(RECEIVER)
        return seen

    assert claims(asyncio.run(call())[1].removeprefix("Bearer "))["n"] == 1


def test_while_the_metadata_server_fails_the_old_token_serves_until_it_expires(identity, metadata, clock):
    first = identity.token()
    metadata[0].broken, clock.now = True, NOW + 3600 - 1
    assert identity.token() == first
    clock.now = NOW + 3601
    with pytest.raises(IdentityError, match=f"no ID token for {RECEIVER}: .* it answered 503: not now"):
        identity.token()
    metadata[0].broken, metadata[0].expires = False, NOW + 9999
    assert claims(identity.token())["n"] == 2


def test_an_answer_that_is_no_token_is_said(metadata, clock):
    metadata[0].answer = lambda *_: (200, "<html>")
    with pytest.raises(IdentityError, match="does not give one"):
        IdentityToken(RECEIVER, metadata[1], clock).token()


@pytest.mark.parametrize("url", ["http://collector:8001", "http://127.0.0.1:8001", "https://localhost:8443"])
def test_none_is_wanted_beside_us_or_without_tls(url):
    assert identity_for(url, "metadata.google.internal") is None


def test_none_is_wanted_anywhere_but_on_cloud_run(monkeypatch):
    assert InferenceSettings(port=0).identity(RECEIVER) is None
    monkeypatch.setenv("K_SERVICE", "pilothouse-predict")
    assert InferenceSettings(port=0).identity(RECEIVER) is not None


def test_the_audience_is_the_receivers_address_without_a_path(metadata):
    identity_for(f"{RECEIVER}/v1/", metadata[1]).token()
    assert metadata[0].audiences == [RECEIVER]


def test_every_caller_of_ours_asks_for_a_token_and_says_so_when_there_is_none(metadata, monkeypatch):
    """Nobody answers at the address itself: what is asked is whether a token was fetched before."""
    monkeypatch.setenv("K_SERVICE", "pilothouse-watch")
    monkeypatch.setenv("GCE_METADATA_HOST", metadata[1])
    metadata[0].expires = time.time() + 3600
    metadata[0].broken = True
    url = "https://127.0.0.2:9"
    settings = FrontendSettings(port=0, collector_url=url)
    shipper = HttpCollector(url, None, 1, settings.identity(url))
    with pytest.raises(RemoteError, match="no ID token"):
        shipper.deliver(b"")
    shipper.close()
    page = connect(settings, PageMetrics(CollectorRegistry()))
    with pytest.raises(ServiceAway, match="no ID token"):
        page.collector.connection.send("GET", "/")
    page.close()

    async def read():
        records = HttpRecords(url, None, 1, settings.identity(url))
        try:
            await records.labels("m", "1")
        finally:
            await records.close()

    with pytest.raises(CollectorAwayError, match="no ID token"):
        asyncio.run(read())
