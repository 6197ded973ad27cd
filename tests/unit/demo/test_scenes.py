"""The demo's traffic: real data that are in the repository."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from demo.scenes import blurred, house_scenes, png
from pilothouse.package import open_package
from testkit.sources import ROOT


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


FORBID = """
import sys
from pathlib import Path

def forbid(event, arguments):
    assert not event.startswith(("socket.connect", "socket.getaddrinfo", "socket.sendto")), (event, arguments)
    assert event != "open" or not str(arguments[0]).startswith("/usr/share/datasets"), arguments

from demo import scenes
from pilothouse.package import open_package
sys.addaudithook(forbid)
for name in scenes.MODELS:
    for scene in scenes.scenes(open_package(Path("models") / name / "1").manifest, 1500):
        print(name, len(scene.requests), scene.drifts)
"""


def test_the_demo_needs_neither_network_nor_an_installed_data_set():
    done = subprocess.run([sys.executable, "-c", FORBID], cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.stdout.splitlines() == [
        "house-prices 1500 False", "house-prices 1500 True",
        "fashion-mnist 1500 False", "fashion-mnist 1500 True", "fashion-mnist 1500 True",
    ], done.stderr  # fmt: skip
