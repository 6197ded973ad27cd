"""How good the served Fashion-MNIST model is, and the model card that says so. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pilothouse.model import Model
from pilothouse.packing.parity import Parity
from training.fashion_mnist.data import CLASSES, Images

BINS = 15

CARD = Path(__file__).with_name("card.md")


class ImageScores(NamedTuple):
    """Accuracy, mean confidence, expected calibration error (Guo et al. 2017) and the recall of each class."""

    accuracy: float
    confidence: float
    calibration_error: float
    recall: dict[str, float]
    rows: int


def score(model: Model, images: Images) -> ImageScores:
    """Classify every image as the service would, and compare with its label."""
    probabilities = model.answer(list(images.pixels)).outputs["output"]
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == images.labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in range(BINS)]
    recall = {name: float(right[images.labels == code].mean()) for code, name in enumerate(CLASSES)}
    count = len(images.labels)
    return ImageScores(float(right.mean()), float(confidence.mean()), float(sum(gaps) / count), recall, count)


def card(
    scores: Mapping[str, ImageScores],
    parity: Parity,
    *,
    parameters: int,
    rows: Mapping[str, int],
    statistics: tuple[str, ...],
) -> str:
    """`scores` by name of the images; the first one is the published test set."""
    lines = [
        f"| {name} | {s.rows:,} | {s.accuracy:.4f} | {s.confidence:.4f} | {s.calibration_error:.4f} |"
        for name, s in scores.items()
    ]
    recall = next(iter(scores.values())).recall
    return CARD.read_text(encoding="utf-8").format(
        scores="\n".join(lines),
        recall=", ".join(f"{name} {value:.2f}" for name, value in recall.items()),
        parameters=parameters,
        difference=parity.difference,
        compared=parity.rows,
        limit=parity.limit,
        statistics=", ".join(f"`{s}`" for s in statistics),
        **rows,
    )
