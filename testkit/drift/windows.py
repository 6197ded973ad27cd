"""Windows of the packed models with their true labels, and what the estimators make of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy import ndimage

from pilothouse.manifest import Manifest
from pilothouse.wire.performance import EstimatedSide
from services.drift.performance.assumption import AssumptionCheck
from services.drift.performance.estimator import LearnedEstimator
from services.drift.performance.fit import fit
from services.drift.performance.sample import combine
from services.drift.performance.tasks import performance_of
from services.drift.records import Rows
from services.drift.reference.reference import load_reference
from testkit.drift.real import draw, house_frames, house_inputs, image_inputs, logged, packed
from training import fashion_mnist, house_prices

IMAGES = 3_000


@cache
def estimator_of(name: str) -> LearnedEstimator:
    """The estimator of a packed model, learned from its reference as the service does."""
    manifest, table = packed(name).manifest, load_reference(packed(name).package).table
    return learn(manifest, table)


def learn(manifest: Manifest, table: pa.Table) -> LearnedEstimator:
    """An estimator from any reference; the fit is done here instead of in the worker."""
    task = performance_of(manifest)
    lesson = task.learn(manifest, table, "key")
    assert not isinstance(lesson, EstimatedSide), lesson.message
    model = fit(lesson.job) if lesson.job else None
    assumption = AssumptionCheck(manifest, table)
    return LearnedEstimator(manifest, task.method, assumption, lambda part, rows: lesson.estimate(part, rows, model))


@cache
def house_windows() -> dict[str, pa.Table]:
    """What the packed model logs of sales, changed or not, by what was done to them."""
    frames = dict(house_frames())
    held_out = frames["held_out"]
    rng = np.random.default_rng(0)
    changed: dict[str, dict[str, Any]] = {
        "living area doubled": {"living_m2": held_out.living_m2 * 2},
        "living area in square feet": {"living_m2": np.minimum(held_out.living_m2 * 10.76, 1499)},
        "10 km to the east": {"x_m": held_out.x_m + 10_000},
        "3 km to the east": {"x_m": held_out.x_m + 3_000},
        "built 30 years earlier": {"year_built": np.maximum(held_out.year_built - 30, 1790)},
        "places shuffled": {"x_m": rng.permutation(held_out.x_m), "y_m": rng.permutation(held_out.y_m)},
        "years shuffled": {"year_built": rng.permutation(held_out.year_built)},
        "living area a fifth larger": {"living_m2": held_out.living_m2 * 1.2},
        "built 10 years earlier": {"year_built": held_out.year_built - 10},
    }
    frames |= {name: held_out.assign(**columns) for name, columns in changed.items()}
    frames["built before 1930"] = held_out[held_out.year_built < 1930]
    del frames["same"]
    return {name: _logged_sales(frame) for name, frame in frames.items()}


@cache
def image_windows() -> dict[str, pa.Table]:
    """What the packed model logs of test images, changed or not, by what was done to them."""
    images = fashion_mnist.splits().held_out
    pixels = images.pixels[:IMAGES, ..., 0].astype(np.float64)
    noise = np.random.default_rng(0).normal(0, 1, pixels.shape)
    changed = {
        "test images": pixels,
        "blurred by half a pixel": np.stack([ndimage.gaussian_filter(p, 0.5) for p in pixels]),
        "blurred by a pixel": np.stack([ndimage.gaussian_filter(p, 1) for p in pixels]),
        "noise of 10": pixels + 10 * noise,
        "noise of 25": pixels + 25 * noise,
        "noise of 50": pixels + 50 * noise,
        "rotated by 5°": ndimage.rotate(pixels, 5, axes=(1, 2), reshape=False, order=1),
        "rotated by 15°": ndimage.rotate(pixels, 15, axes=(1, 2), reshape=False, order=1),
        "rotated by 30°": ndimage.rotate(pixels, 30, axes=(1, 2), reshape=False, order=1),
        "rotated by 90°": ndimage.rotate(pixels, 90, axes=(1, 2), reshape=False, order=1),
        "upside down": pixels[:, ::-1],
        "more contrast": pixels * 1.5,
        "0.7 as bright": pixels * 0.7,
        "half as bright": pixels * 0.5,
        "a quarter as bright": pixels * 0.25,
        "inverted": 255 - pixels,
    }
    return {name: _logged_images(p, images.names[:IMAGES]) for name, p in changed.items()}


@cache
def further_house_windows() -> dict[str, pa.Table]:
    """Changes made after the limits of familiarity had been chosen; two were then tightened (see the docs)."""
    held_out = house_frames()["held_out"]
    rng = np.random.default_rng(5)
    changed: dict[str, dict[str, Any]] = {
        "frontage tripled": {"frontage_m": np.minimum(held_out.frontage_m * 3, 999)},
        "two baths more": {"baths": held_out.baths + 2},
        "walls shuffled": {"wall": rng.permutation(held_out.wall.astype(str))},
        "all of stone": {"wall": "stone"},
        "no garage": {"garage": "no garage", "garage_m2": 0.0},
        "5 km to the north": {"y_m": held_out.y_m + 5000},
        "2 km to the north": {"y_m": held_out.y_m + 2000},
        "lot a quarter as large": {"lot_m2": np.maximum(held_out.lot_m2 / 4, 11)},
        "living area half as large again": {"living_m2": held_out.living_m2 * 1.5},
        "living areas shuffled": {"living_m2": rng.permutation(held_out.living_m2)},
        "all built in 1950": {"year_built": 1950},
    }
    frames = {name: held_out.assign(**columns) for name, columns in changed.items()}
    frames["the western half"] = held_out[held_out.x_m < held_out.x_m.median()]
    frames["the dearest quarter"] = held_out[
        held_out[house_prices.TARGET] > held_out[house_prices.TARGET].quantile(0.75)
    ]
    return {name: _logged_sales(frame) for name, frame in frames.items()}


@cache
def further_image_windows() -> dict[str, pa.Table]:
    """Changes made after the limits of familiarity had been chosen; two were then tightened (see the docs)."""
    images = fashion_mnist.splits().held_out
    pixels = images.pixels[:2000, ..., 0].astype(np.float64)
    rng = np.random.default_rng(5)
    chance = rng.random(pixels.shape)
    hole, right, shift = pixels.copy(), pixels.copy(), rng.normal(0, 1, pixels.shape)
    hole[:, 10:16, 10:16] = 0
    right[:, :, 14:] = 0
    some = np.arange(len(pixels))[:, None, None]
    changed = {
        "mirrored": pixels[:, :, ::-1],
        "4 pixels lower": np.roll(pixels, 4, 1),
        "6 pixels to the right": np.roll(pixels, 6, 2),
        "noise of 15": pixels + 15 * shift,
        "noise of 18": pixels + 18 * shift,
        "blurred by 0.7 pixels": np.stack([ndimage.gaussian_filter(p, 0.7) for p in pixels]),
        "rotated by 20°": ndimage.rotate(pixels, 20, axes=(1, 2), reshape=False, order=1),
        "rotated by -10°": ndimage.rotate(pixels, -10, axes=(1, 2), reshape=False, order=1),
        "6% of the pixels black or white": np.where(chance < 0.03, 0, np.where(chance > 0.97, 255, pixels)),
        "right half black": right,
        "a black hole of 6 pixels": hole,
        "gamma 0.5": 255 * (pixels / 255) ** 0.5,
        "gamma 2": 255 * (pixels / 255) ** 2,
        "zoomed by 0.8": _zoomed(pixels, 0.8),
        "zoomed by 1.2": _zoomed(pixels, 1.2),
        "half of them inverted": np.where(some % 2 == 0, 255 - pixels, pixels),
        "a tenth of them inverted": np.where(some % 10 == 0, 255 - pixels, pixels),
        "four grey levels": np.round(pixels / 64) * 64,
        "eroded": np.stack([ndimage.grey_erosion(p, 2) for p in pixels]),
        "dilated": np.stack([ndimage.grey_dilation(p, 2) for p in pixels]),
        "20 brighter": pixels + 20,
    }
    labels = images.names[:2000]
    found = {name: _logged_images(p, labels) for name, p in changed.items()}
    shoes = [i for i, label in enumerate(labels) if label in ("sneaker", "sandal", "ankle boot")]
    return found | {"shoes only": _logged_images(pixels[shoes], [labels[i] for i in shoes])}


def _zoomed(pixels: NDArray[Any], factor: float) -> NDArray[Any]:
    return np.stack([ndimage.affine_transform(p, np.eye(2) / factor, offset=14 - 14 / factor, order=1) for p in pixels])


def _logged_sales(frame: pd.DataFrame) -> pa.Table:
    labels = pa.array(frame[house_prices.TARGET].to_numpy(dtype=float))
    return logged(packed("house-prices"), house_inputs(frame)).append_column("label", labels)


def _logged_images(pixels: NDArray[Any], labels: Sequence[str]) -> pa.Table:
    return logged(packed("fashion-mnist"), image_inputs(pixels)).append_column("label", pa.array(labels))


def further_windows(name: str) -> dict[str, pa.Table]:
    return further_house_windows() if name == "house-prices" else further_image_windows()


def windows(name: str) -> dict[str, pa.Table]:
    return house_windows() if name == "house-prices" else image_windows()


def sample_of(manifest: Manifest, table: pa.Table) -> Any:
    """A window of these records, as the service reads it."""
    return combine(manifest, Rows(table, table.num_rows), table)


def truth_of(manifest: Manifest, table: pa.Table, names: Sequence[str]) -> Any:
    return performance_of(manifest).read(manifest, table).measure(names, draws=0)


__all__ = ["draw", "estimator_of", "further_windows", "learn", "packed", "sample_of", "truth_of", "windows"]
