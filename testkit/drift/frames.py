"""Small manifests and tables that the drift tests share. The data are drawn, the code under test is real."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pilothouse.manifest import DriftColumn, Feature, Manifest, Monitoring, Output, TabularInput
from pilothouse.tasks.regression import Regression

FEATURES = (
    Feature(name="size", type="number"),
    Feature(name="rooms", type="integer"),
    Feature(name="wall", type="category", categories=("brick", "stone", "wood")),
    Feature(name="garage", type="boolean"),
    Feature(name="sold", type="datetime"),
)


def manifest(
    features: tuple[Feature, ...] = FEATURES, columns: Sequence[DriftColumn | str] | None = None, **monitoring: Any
) -> Manifest:
    columns = (
        None if columns is None else tuple(c if isinstance(c, DriftColumn) else DriftColumn(name=c) for c in columns)
    )
    return Manifest(
        name="houses",
        version="1",
        task="regression",
        input=TabularInput(features=features),
        output=Output(),
        monitoring=Monitoring(columns=columns, **monitoring),
    )


def houses(rows: int, seed: int = 0, shift: float = 0.0) -> pa.Table:
    """Columns that depend on each other, as real ones do; `shift` moves the sizes by so many standard deviations."""
    rng = np.random.default_rng(seed)
    size = rng.gamma(4.0, 30.0, rows)
    rooms = np.round(size / 25 + rng.normal(0, 1, rows)).astype(np.int64)
    walls = np.array(["brick", "stone", "wood"])[rng.choice(3, rows, p=[0.6, 0.1, 0.3])]
    days = rng.integers(8_000, 9_000, rows)
    return pa.table(
        {
            "size": size + shift * 60,
            "rooms": rooms,
            "wall": walls.tolist(),
            "garage": (rng.random(rows) < 0.7).tolist(),
            "sold": pa.array(days * 86_400_000, pa.timestamp("ms", "UTC")),
            "prediction": size * 3 + rng.normal(0, 30, rows),
        }
    )


def sales(rows: int, seed: int = 0, noise: float = 20.0) -> pa.Table:
    """Houses with prices: the error has a standard deviation of `noise`, so that its mean is 0.8 of that."""
    table = houses(rows, seed)
    paid = np.asarray(table.column("prediction")) + np.random.default_rng(seed + 100).normal(0, noise, rows)
    return table.append_column("label", pa.array(paid))


def flips(rows: int, seed: int = 0, right: float = 0.8) -> pa.Table:
    """A binary model's log, whose probabilities are true: it is right in `right` of the rows."""
    rng = np.random.default_rng(seed)
    score = rng.random(rows)
    sure = np.where(score >= 0.5, right, 1 - right)
    label = (rng.random(rows) < sure).astype(int).astype(str)
    said = (score >= 0.5).astype(int).astype(str)
    return pa.table({
        "a": score, "prediction": said.tolist(), "probability_0": 1 - sure, "probability_1": sure,
        "label": label.tolist(),
    })  # fmt: skip


def replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """The table with one column replaced."""
    return table.set_column(table.column_names.index(name), name, pa.chunked_array([values]))


def task_manifest(
    task: str = Regression.name,
    classes: tuple[str, ...] | None = None,
    features: Sequence[str] = ("a", "b"),
    **monitoring: Any,
) -> Manifest:
    """A model of some numbers."""
    return Manifest(
        name="m",
        version="1",
        task=task,
        input=TabularInput(features=tuple(Feature(name=n, type="number") for n in features)),
        output=Output(classes=classes),
        monitoring=Monitoring(**monitoring),
    )


def wide_manifest(**monitoring: Any) -> Manifest:
    """Of `wide` tables: 27 monitored columns with the prediction, so that the default share asks for two."""
    features = [Feature(name=f"number{i}", type="number") for i in range(24)]
    features += [Feature(name=n, type="category", categories=("a", "b", "c", "d")) for n in ("plan", "region")]
    return manifest(tuple(features), **monitoring)


def wide(rows: int, seed: int = 0, shift: float = 0.0) -> pa.Table:
    """24 numbers that share a factor (normal, skewed and long-tailed ones by turns), of one some missing, and two
    categories. `shift` moves `number0` by so many standard deviations."""
    rng = np.random.default_rng(seed)
    drawn = np.sqrt(0.3) * rng.normal(size=(rows, 1)) + np.sqrt(0.7) * rng.normal(size=(rows, 24))
    shapes = (lambda x: x, lambda x: np.exp(0.5 * x), np.exp)
    columns: dict[str, Any] = {f"number{i}": shapes[i % 3](drawn[:, i]) for i in range(24)}
    columns["number0"] = columns["number0"] + shift
    columns["number3"] = np.where(rng.random(rows) < 0.1, np.nan, drawn[:, 3])
    for name, shares in (("plan", (0.7, 0.2, 0.07, 0.03)), ("region", (0.4, 0.3, 0.2, 0.1))):
        columns[name] = np.array(list("abcd"))[rng.choice(4, rows, p=shares)].tolist()
    return pa.table(columns | {"prediction": drawn[:, :6].sum(axis=1) + rng.normal(size=rows)})
