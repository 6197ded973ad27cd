"""The traffic of the demo: for each packed model a clean scene and drifting ones, all of real data."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pilothouse.input_files import feature_objects
from pilothouse.manifest import Manifest
from training import house_prices
from training.fashion_mnist import sample

HOUSES = "house-prices"
MODELS = (HOUSES, "fashion-mnist")


@dataclass(frozen=True, slots=True)
class Scene:
    """Requests (feature objects or image files) with their true values, and what the drift service should say."""

    title: str
    requests: list[Any]
    labels: list[Any]
    drifts: bool


def scenes(manifest: Manifest, rows: int) -> Iterator[Scene]:
    """Those of one of MODELS."""
    return house_scenes(manifest, rows) if manifest.name == HOUSES else fashion_scenes(rows)


def house_scenes(manifest: Manifest, rows: int) -> Iterator[Scene]:
    """Sales of 1993-95 that the model has not seen, then the sales of 1998.

    Both in random order: in order of date a window of the first would be one summer, which is a drift too.
    """
    parts = house_prices.splits(house_prices.read())
    for title, frame, drifts in (
        ("held-out sales of 1993-95", parts.held_out, False),
        ("sales of 1998", parts.later[1998], True),
    ):
        sales = frame.sample(min(rows, len(frame)), random_state=7)
        yield Scene(title, list(feature_objects(sales, manifest)), sales[house_prices.TARGET].tolist(), drifts)


def fashion_scenes(rows: int) -> Iterator[Scene]:
    """Test images as they are, then inverted (misclassified with high confidence), then blurred."""
    part = sample.read().take(np.arange(rows))
    pixels = part.pixels[..., 0]
    for title, changed, drifts in (
        ("test images", pixels, False),
        ("inverted test images", 255 - pixels, True),
        ("blurred test images", blurred(pixels), True),
    ):
        yield Scene(title, [png(p) for p in changed], part.names, drifts)


def blurred(pixels: NDArray[np.uint8], radius: float = 1.0) -> NDArray[np.uint8]:
    """Gaussian blur of uint8 (images, height, width); radius in pixels."""
    soft = [Image.fromarray(p).filter(ImageFilter.GaussianBlur(radius)) for p in pixels]
    return np.stack([np.asarray(s) for s in soft])


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A grey image (height, width) as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
