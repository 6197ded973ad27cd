"""Examples: a few ordinary inputs, kept in the package for the page, for /docs, and for parity without torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilothouse.manifest import Feature, ImageInput, TabularInput
from pilothouse.packing.parity import Parity, write_samples
from pilothouse.packing.sources import ReferenceData

FOLDER = "examples"
PARITY_SAMPLES = 32
MOST_IMAGES, MOST_ROWS = 10, 4


def write_examples(folder: Path, data: ReferenceData, outputs: NDArray[Any], parity: Parity) -> list[dict[str, Any]]:
    """Write example images and the parity samples; the examples as the manifest lists them. `outputs` are torch's."""
    chosen = choose(data, outputs)
    if isinstance(data.spec, TabularInput):
        sampled = range(0, len(data.rows), max(1, len(data.rows) // PARITY_SAMPLES))
        write_samples(folder, parity, [{"row": i, "output": outputs[i].tolist()} for i in sampled])
        return [as_features(data.rows[i], data.spec) for i in chosen]
    entries = write_images(folder, data, chosen)
    pairs = zip(entries, chosen, strict=True)
    write_samples(folder, parity, [{"file": e["file"], "output": outputs[i].tolist()} for e, i in pairs])
    return entries


def choose(data: ReferenceData, outputs: NDArray[Any]) -> list[int]:
    """Positions of example rows: one image a class (or as many spread over a regression), or a few ordinary rows."""
    if isinstance(data.spec, ImageInput):
        return _images(data, outputs)
    return _rows(data, outputs)


def write_images(folder: Path, data: ReferenceData, chosen: Sequence[int]) -> list[dict[str, Any]]:
    """Write the chosen images as PNG; each entry names its file and its true label."""
    from PIL import Image

    (folder / FOLDER).mkdir()
    entries = []
    for number, position in enumerate(chosen, 1):
        label = data.labels[position]
        file = f"{FOLDER}/{number:02}-{_slug(str(label))}.png"
        pixels = data.rows[position]
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(folder / file, optimize=True)
        entries.append({"file": file, "label": label})
    return entries


def as_features(row: Sequence[Any], spec: TabularInput) -> dict[str, Any]:
    """A validated row as a caller would send it: JSON values, missing ones left out."""
    return {f.name: _plain(f, v) for f, v in zip(spec.features, row, strict=True) if v is not None}


def _images(data: ReferenceData, outputs: NDArray[Any]) -> list[int]:
    """The first image of each class that the model gets right (the first one, when it gets none right)."""
    if data.classes is None:
        return _spread(data.task.example_order(outputs), MOST_IMAGES)
    labels = np.array([data.classes.index(label) for label in data.labels])
    right = outputs.argmax(axis=1) == labels
    chosen = []
    for code in range(len(data.classes)):
        candidates = np.flatnonzero(labels == code)
        if len(candidates):
            good = candidates[right[candidates]]
            chosen.append(int(good[0] if len(good) else candidates[0]))
    return chosen[:MOST_IMAGES]


def _rows(data: ReferenceData, outputs: NDArray[Any]) -> list[int]:
    """Rows near the middle of every number, spread over what the model answers."""
    rows = data.rows
    distance = np.zeros(len(rows))
    for i, feature in enumerate(data.features):
        if feature.type in ("number", "integer"):
            values = np.array([np.nan if row[i] is None else row[i] for row in rows], dtype=np.float64)
            low, middle, high = np.nanquantile(values, [0.1, 0.5, 0.9])
            distance += np.nan_to_num(np.abs(values - middle) / (high - low or 1), nan=1.0)
        distance += [row[i] is None for row in rows]
    ordinary = np.argsort(distance, kind="stable")[: max(MOST_ROWS, len(rows) // 4)]
    picked = _spread(data.task.example_order(outputs[ordinary]), MOST_ROWS)
    return [int(ordinary[p]) for p in picked]


def _spread(values: NDArray[Any], count: int) -> list[int]:
    """Positions of values evenly spread over their order, without the extremes."""
    order = np.argsort(values, kind="stable")
    steps = np.linspace(0.1, 0.9, min(count, len(order))) * (len(order) - 1)
    return [int(order[int(s)]) for s in dict.fromkeys(np.round(steps).astype(int).tolist())]


def _plain(feature: Feature, value: Any) -> Any:
    if feature.type != "datetime":
        return value
    moment = datetime.fromtimestamp(value / 1000, tz=UTC)
    text = moment.replace(tzinfo=None).isoformat(timespec="auto")
    return text.removesuffix("T00:00:00")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "image"
