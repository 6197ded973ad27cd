"""What the worker is given to fit a model of errors."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray


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
