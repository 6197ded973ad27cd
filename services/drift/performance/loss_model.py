"""A model of errors: what the worker is given to fit it, and the fitted model, applied in numpy.

It is boosted trees, and a straight line on top.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.drift.arrow import Floats

_ROWS_AT_ONCE = 2_000


class Trees(msgspec.Struct, frozen=True):
    """All trees of one ensemble, their nodes one after the other; a leaf's children are the leaf itself.

    A row goes left where its feature is at most the threshold. `slope` and `offset` take the sum of the leaves, which
    flatters itself on the rows it was fitted on, to what left-out rows showed. `scatter` is the variance of the loss
    around that.
    """

    roots: list[int]
    feature: list[int]
    threshold: list[float]
    left: list[int]
    right: list[int]
    value: list[float]
    base: float
    slope: float
    offset: float
    scatter: float
    depth: int


class LossModel(msgspec.Struct, frozen=True):
    """`key` says what it was fitted for; `losses` are by name: absolute, squared, signed and perhaps relative."""

    key: str
    rows: int
    losses: Mapping[str, Trees]


def predict(trees: Trees, matrix: NDArray[np.float32]) -> Floats:
    """The expected loss of each row, (rows,)."""
    parts = [
        _sum_of_leaves(trees, matrix[start : start + _ROWS_AT_ONCE]) for start in range(0, len(matrix), _ROWS_AT_ONCE)
    ]
    raw = trees.base + np.concatenate([np.empty(0), *parts])
    return np.asarray(trees.offset + trees.slope * raw)


def _sum_of_leaves(trees: Trees, matrix: NDArray[np.float32]) -> Floats:
    feature, left, right = (np.array(each, dtype=np.int32) for each in (trees.feature, trees.left, trees.right))
    threshold, value = np.array(trees.threshold), np.array(trees.value)
    nodes = np.broadcast_to(np.array(trees.roots, dtype=np.int32), (len(matrix), len(trees.roots)))
    rows = np.arange(len(matrix))[:, None]
    for _ in range(trees.depth):
        goes_left = matrix[rows, feature[nodes]] <= threshold[nodes]
        nodes = np.where(goes_left, left[nodes], right[nodes])
    total: Floats = value[nodes].sum(axis=1)
    return total


class FitJob(msgspec.Struct, frozen=True, tag="fit"):
    """`matrix` is float32 (rows, features), each of `losses` float64 (rows,), as bytes. `key` comes back with the
    model."""

    key: str
    rows: int
    matrix: bytes
    losses: Mapping[str, bytes]


def build_fit(key: str, matrix: NDArray[np.float32], losses: Mapping[str, NDArray[np.float64]]) -> FitJob:
    packed = {name: np.ascontiguousarray(loss, dtype=np.float64).tobytes() for name, loss in losses.items()}
    return FitJob(key, len(matrix), np.ascontiguousarray(matrix, dtype=np.float32).tobytes(), packed)


def unpack(job: FitJob) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float64]]]:
    matrix = np.frombuffer(job.matrix, np.float32).reshape(job.rows, -1)
    return matrix, {name: np.frombuffer(loss, np.float64) for name, loss in job.losses.items()}
