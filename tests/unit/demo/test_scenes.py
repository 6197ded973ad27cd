"""The demo's traffic, and what it does when something is not there."""

import io
from types import SimpleNamespace

import httpx2
import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo import __main__ as demo
from demo.scenes import blurred, house_scenes, png
from pilothouse.errors import PilothouseError
from pilothouse.package import open_package
from testkit.ports import closed_address
from testkit.serving import serving
from testkit.sources import ROOT
from training.errors import TrainingError


@pytest.fixture(scope="module")
def manifest():
    return open_package(ROOT / "models/house-prices/1").manifest


def test_the_clean_scene_comes_first_and_the_later_sales_are_to_drift(manifest):
    scenes = list(house_scenes(manifest, 200))
    assert [(s.title, s.drifts) for s in scenes] == [("held-out sales of 1993-95", False), ("sales of 1998", True)]


def test_each_request_has_every_feature_and_a_true_value(manifest):
    for scene in house_scenes(manifest, 150):
        assert len(scene.requests) == len(scene.labels) == 150
        assert {frozenset(r) for r in scene.requests} == {frozenset(manifest.input_columns)}
        assert all(label > 0 for label in scene.labels)


def test_a_scene_is_the_same_every_time_and_in_no_order_of_date(manifest):
    first, second = (next(house_scenes(manifest, 300)) for _ in range(2))
    assert first == second
    dates = [r["sale_date"] for r in first.requests]
    assert dates != sorted(dates)


def test_an_image_file_gives_back_the_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(png(pixels)))) == pixels).all()


def test_blurring_keeps_the_brightness_and_takes_the_contrast():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    soft = blurred(pixels)
    assert (soft.shape, soft.dtype) == (pixels.shape, np.uint8)
    assert abs(soft.mean() - pixels.mean()) < 2
    assert soft.std() < pixels.std() / 2


def test_a_model_without_its_data_is_left_out_and_that_is_said(monkeypatch, manifest):
    def away(*_):
        raise TrainingError("no address answers")
        yield

    monkeypatch.setattr(demo, "house_scenes", away)
    out = io.StringIO()
    assert list(demo.scenes(manifest, 100, Console(file=out))) == []
    assert out.getvalue() == "house-prices is left out: no address answers\n"


@pytest.fixture
def collector():
    """Statistics that grow by ten records each time they are asked for."""
    world = SimpleNamespace(records=0, status=200, asked=[])

    def stats(request):
        world.asked.append(request.headers.get("authorization"))
        world.records += 10
        known = {"records": world.records, "labels": 0, "first": None, "last": None}
        models = [{"model": "house-prices", "version": v, **known} for v in ("1", "2")]
        return JSONResponse({"models": models}) if world.status == 200 else Response("away", world.status)

    with serving(Starlette(routes=[Route("/v1/stats", stats)])) as world.url:
        yield world


def test_only_records_of_the_version_are_counted(collector, manifest):
    assert demo.stored(collector.url, manifest, "secret") == 10
    assert collector.asked == ["Bearer secret"]


def test_it_waits_until_everything_is_stored(collector, manifest):
    demo.await_stored(collector.url, manifest, 30, None)
    assert len(collector.asked) == 3


def test_records_that_do_not_come_end_it_with_how_many_there_are(collector, manifest):
    with pytest.raises(PilothouseError, match=r"the collector holds \d+ of 1000000 records after 0 s"):
        demo.await_stored(collector.url, manifest, 1_000_000, None, seconds=0.3)


def test_a_collector_that_fails_is_named(collector, manifest):
    collector.status = 503
    with pytest.raises(PilothouseError, match=f"{collector.url}.*503"):
        demo.stored(collector.url, manifest, None)


def test_a_collector_that_is_away_is_named(manifest):
    address = closed_address()
    with pytest.raises(PilothouseError, match=address) as raised:
        demo.stored(address, manifest, None)
    assert isinstance(raised.value.__cause__, httpx2.HTTPError)
