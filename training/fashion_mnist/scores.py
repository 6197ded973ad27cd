"""How good the served Fashion-MNIST model is, computed through the code that serves it; needs no torch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pilothouse.model import Model
from training.fashion_mnist.data import CLASSES, Images

BINS = 15


class Scores(NamedTuple):
    """Accuracy, mean confidence, expected calibration error (Guo et al. 2017) and the recall of each class."""

    accuracy: float
    confidence: float
    calibration_error: float
    recall: dict[str, float]
    rows: int


def score(model: Model, images: Images) -> Scores:
    """Classify every image as the service would, and compare with its label."""
    probabilities = model.answer(list(images.pixels)).outputs["output"]
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == images.labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in range(BINS)]
    recall = {name: float(right[images.labels == code].mean()) for code, name in enumerate(CLASSES)}
    count = len(images.labels)
    return Scores(float(right.mean()), float(confidence.mean()), float(sum(gaps) / count), recall, count)
