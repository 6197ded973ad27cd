"""What the demo asks the running stack, and what it says when that does not answer."""

from functools import partial
from types import SimpleNamespace

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.running_stack import RunningStack
from pilothouse.errors import PilothouseError
from pilothouse.package import open_package
from testkit.ports import closed_address
from testkit.serving import serving
from testkit.sources import ROOT

MANIFEST = open_package(ROOT / "models/house-prices/1").manifest


@pytest.fixture
def at():
    """The stack at an address where everything is."""
    with httpx2.Client() as http:
        yield partial(everything_at, http)


def everything_at(http, url, key=None):
    return RunningStack(http=http, inference=url, collector=url, drift=url, prometheus=url, page=url, key=key)


@pytest.fixture
def world():
    """A collector whose records grow by ten each time it is asked; a drift service that finds drift in own windows."""
    world = SimpleNamespace(records=0, status=200, asked=[], windows=[])

    def stats(request):
        world.asked.append(request.headers.get("authorization"))
        world.records += 10
        known = {"records": world.records, "labels": 0, "first": None, "last": None}
        models = [{"model": "house-prices", "version": v, **known} for v in ("1", "2")]
        return JSONResponse({"models": models}) if world.status == 200 else Response("away", world.status)

    def run(request):
        window = request.query_params.get("window")
        world.windows.append(window)
        return JSONResponse({"verdict": "no drift" if window else "drift"})

    routes = [Route("/v1/stats", stats), Route("/drift/run", run, methods=["POST"])]
    with serving(Starlette(routes=routes)) as world.url:
        yield world


def test_only_records_of_the_version_are_counted(at, world):
    assert at(world.url, "secret").stored(MANIFEST) == 10
    assert world.asked == ["Bearer secret"]


def test_it_waits_until_everything_is_stored(at, world):
    at(world.url).await_stored(MANIFEST, 30)
    assert len(world.asked) == 3


def test_records_that_do_not_come_end_it_with_how_many_there_are(at, world):
    with pytest.raises(PilothouseError, match=r"the collector holds \d+ of 1000000 records after 0 s"):
        at(world.url).await_stored(MANIFEST, 1_000_000, seconds=0.3)


def test_the_window_that_alerts_watch_is_scored_too(at, world):
    assert at(world.url).judge(MANIFEST, 300) == ({"verdict": "no drift"}, True)
    assert world.windows == [None, "rows=300"]


def test_it_is_scored_once_where_the_scene_is_as_long(at, world):
    assert at(world.url).judge(MANIFEST, MANIFEST.monitoring.window_rows) == ({"verdict": "drift"}, True)
    assert world.windows == [None]


def test_a_collector_that_fails_is_named(at, world):
    world.status = 503
    with pytest.raises(PilothouseError, match=f"{world.url}.*503"):
        at(world.url).stored(MANIFEST)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_missing_or_may_too_little_is_said_with_its_variables(at, world, status):
    world.status = status
    with pytest.raises(PilothouseError, match=f"{status}: PILOTHOUSE_API_KEY or PILOTHOUSE_API_KEY_FILE must be"):
        at(world.url).stored(MANIFEST)


def test_a_collector_that_is_away_is_named(at):
    address = closed_address()
    with pytest.raises(PilothouseError, match=address) as raised:
        at(address).drift_alerts()
    assert isinstance(raised.value.__cause__, httpx2.HTTPError)
