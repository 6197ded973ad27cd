"""Real windows: what the packed models log of real data, clean and drifted, made by the code that serves them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy import ndimage

from pilothouse.columns import Column
from pilothouse.input_files import feature_objects
from pilothouse.model import Inputs, Model
from pilothouse.package import open_package
from pilothouse.reference import arrow_type
from training import fashion_mnist, house_prices

MODELS = Path(__file__).parents[2] / "models"
ROWS_A_RUN = 500


@cache
def packed(name: str) -> Model:
    """The packed model's first version."""
    return Model(open_package(next((MODELS / name).iterdir())))


def house_inputs(frame: pd.DataFrame) -> Inputs:
    model = packed("house-prices")
    return model.parse(list(feature_objects(frame, model.manifest)))


def image_inputs(pixels: NDArray[Any]) -> Inputs:
    return Inputs(list(np.clip(pixels, 0, 255).astype(np.uint8)[..., None]))


def parts(inputs: Inputs) -> Iterator[Inputs]:
    """Inputs that a model runs at once, one after the other."""
    for start in range(0, len(inputs), ROWS_A_RUN):
        yield Inputs(inputs.rows[start : start + ROWS_A_RUN])


def logged(model: Model, inputs: Inputs) -> pa.Table:
    """The log's columns as Arrow."""
    columns = model.answer(inputs.rows).columns
    return pa.table({c.name: pa.array(columns[c.name], _type(c)) for c in model.columns_logged})


def _type(column: Column) -> Any:
    return pa.list_(pa.float32()) if column.kind == "vector" else arrow_type(column)


@cache
def house_frames() -> dict[str, pd.DataFrame]:
    """Sales by period. `same` are all sales of 1993-95 that are not in the reference: its thousands are needed for
    large windows; of these, the model was fitted on the ones that are not `held_out`."""
    import pandas as pd

    parts = house_prices.splits(house_prices.read())
    same = pd.concat([parts.held_out, parts.train])
    return {"same": same, "held_out": parts.held_out, **{str(year): frame for year, frame in parts.later.items()}}


@cache
def image_sets(rows: int = 10_000, drifted_rows: int = 5_000) -> dict[str, NDArray[Any]]:
    """Test images by what was done to them."""
    pixels = fashion_mnist.splits().held_out.pixels[:rows, ..., 0]
    some = pixels[:drifted_rows].astype(np.float64)
    return {
        "same": pixels,
        "blurred": np.stack([ndimage.gaussian_filter(image, 1) for image in some]),
        "noisy": some + np.random.default_rng(0).normal(0, 25, some.shape),
        "rotated": ndimage.rotate(some, 15, axes=(1, 2), reshape=False, order=1),
        "inverted": 255 - some,
        "half as bright": some / 2,
        "turned by 3°": ndimage.rotate(some, 3, axes=(1, 2), reshape=False, order=1),
    }


@cache
def pools(name: str) -> dict[str, pa.Table]:
    """For a packed model: what it logs of each set of real data, by its name; `same` has not drifted. All are real but
    `columns shuffled`."""
    if name == "house-prices":
        frames = {k: f for k, f in house_frames().items() if k != "held_out"}
        found = {k: logged(packed(name), house_inputs(f)) for k, f in frames.items()}
        return found | {"columns shuffled": shuffled(found["same"])}
    found = {k: logged(packed(name), image_inputs(p)) for k, p in image_sets().items()}
    return found | {"no sandals": without(found["same"], "prediction", "sandal")}


def shuffled(table: pa.Table) -> pa.Table:
    """The values of each column as they were, but no longer of the same rows: only what they say together differs."""
    rng = np.random.default_rng(7)
    return pa.table({n: table.column(n).take(rng.permutation(table.num_rows)) for n in table.column_names})


def without(table: pa.Table, name: str, value: object) -> pa.Table:
    return table.take(np.flatnonzero([v != value for v in table.column(name).to_pylist()]))


def draw(table: pa.Table, rows: int, seed: int) -> pa.Table:
    """A window of different rows, as many as there are at most."""
    chosen = np.random.default_rng(seed).choice(table.num_rows, min(rows, table.num_rows), replace=False)
    return table.take(chosen)
