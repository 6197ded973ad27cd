"""Two drift services on one collector: both answer, one's results are kept."""

import httpx2
import pytest

from testkit.drift.real import MODELS
from testkit.drift.running import running_drift
from testkit.waiting import wait_for
from tests.service.drift.test_drift import houses, send

MODEL = "house-prices"


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """One for all of them, so that thresholds are calibrated once."""
    return tmp_path_factory.mktemp("drift")


def kept(collector, kind="drift"):
    """The newest record of every kept run, oldest first."""
    answer = httpx2.get(f"{collector.url}/v1/{kind}-runs", params={"model": MODEL}, timeout=20)
    return [r.get("newest") or r["at"] for r in reversed(answer.json()[f"{kind}_runs"])]


def leads(client):
    (line,) = [n for n in client.get("/metrics").text.splitlines() if n.startswith("pilothouse_drift_leads ")]
    return line.endswith(" 1.0")


def scored(client):
    return client.get("/drift", params={"model": MODEL}).json()["newest"]


def test_the_results_of_two_services_are_kept_once_and_the_second_goes_on_when_the_first_ends(state, fresh_collector):
    newest = [send(fresh_collector, MODEL, houses("held_out"))[-1]]
    with running_drift(MODELS, state, fresh_collector.url) as first:
        assert leads(first)
        with running_drift(MODELS, state, fresh_collector.url) as second:
            assert not leads(second)
            assert scored(first) == scored(second) == newest[0]
            newest.append(send(fresh_collector, MODEL, houses("1998"))[-1])
            wait_for(lambda: scored(second) == newest[1])
            assert kept(fresh_collector) == newest[:1]
            wait_for(lambda: scored(first) == newest[1])
            assert kept(fresh_collector) == newest
            first.post("/drift/run", params={"model": MODEL})
            second.post("/drift/run", params={"model": MODEL})
            assert kept(fresh_collector) == [*newest, newest[1], newest[1]]  # somebody asked for these
    with running_drift(MODELS, state, fresh_collector.url) as third:
        assert leads(third)  # at once: it was given up


def test_who_follows_leads_when_the_leader_is_gone(state, fresh_collector):
    send(fresh_collector, MODEL, houses("held_out"))
    with running_drift(MODELS, state, fresh_collector.url) as first:
        scored(first)
        following = running_drift(MODELS, state, fresh_collector.url)
        second = following.__enter__()
    try:
        wait_for(lambda: leads(second), seconds=60)
        newest = send(fresh_collector, MODEL, houses("1998"))[-1]
        wait_for(lambda: scored(second) == newest)
        assert kept(fresh_collector)[-1] == newest
        assert len(set(kept(fresh_collector, "performance"))) == len(kept(fresh_collector, "performance"))
    finally:
        following.__exit__(None, None, None)
