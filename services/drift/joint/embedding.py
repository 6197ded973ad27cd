"""Drift of an image model's embedding: the maximum mean discrepancy along its widest axes, in the reference's spreads.

Each axis is scaled to width 1, or the few widest, which say what is on the picture, would drown those that say how it
was taken. The axes are fitted on one half of the reference and compared on the other: rows lie nearer to axes that
were fitted on them than new ones do, which looks like drift (with 1,024 numbers and 2,000 rows, in every window).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.drift.comparison import Cleaned
from services.drift.joint.kernel import Kernel, discrepancy, spread
from services.drift.projection import Projection, Rows
from services.drift.resampling import resample
from services.drift.scores import jensenshannon
from services.drift.vectors import Vectors, read_vectors, usable

AXES = 32
LEAST_ROWS = 100  # of the reference
MOST_WINDOW_ROWS = 1_000  # read of a window: thousands of numbers a record are too many for more
Draws = NDArray[np.float64]
NullScores = Callable[[Rows, Rows, int], Draws]


@dataclass(frozen=True)
class EmbeddingProfile:
    """`places` (rows, axes) are of the reference's second half, each axis scaled to width 1; `middle` (features,) is
    the mean of their kernel features and `spread` how far they lie from it. `rows` is how many rows there were,
    `missing` the share of them that had no vector."""

    projection: Projection
    places: Rows
    kernel: Kernel
    middle: NDArray[np.float64]
    spread: float
    missing: float
    rows: int

    name: ClassVar[Literal["embedding"]] = "embedding"
    stattest: ClassVar[str] = "mmd"
    floor: ClassVar[float] = 0.05  # about what losing every tenth image, all those of one class in ten, does

    @classmethod
    def of(cls, vectors: Vectors) -> EmbeddingProfile | None:
        """None when too few of the reference's rows (rows, size) have a vector, or when these do not vary."""
        known = vectors[usable(vectors)]
        if len(known) < LEAST_ROWS:
            return None
        fitted, compared = known[::2], known[1::2]
        projection = Projection.of(fitted, min(AXES, len(fitted) // 5))
        if not len(projection.axes):
            return None
        places = _scaled(projection, compared)
        kernel = Kernel.of(places)
        features = kernel.features(places)
        middle = np.asarray(features.mean(axis=0, dtype=np.float64))
        return cls(projection, places, kernel, middle, spread(features), 1 - len(known) / len(vectors), len(vectors))

    def clean(self, column: pa.ChunkedArray) -> Cleaned:
        """`values` (rows, axes) are of the rows that have a vector."""
        vectors = read_vectors(column, self.projection.axes.shape[1])
        known = vectors[usable(vectors)]
        return Cleaned(_scaled(self.projection, known), missing=1 - len(known) / max(len(vectors), 1))

    def score(self, cleaned: Cleaned) -> float:
        window = self.kernel.features(cleaned.values).mean(axis=0, dtype=np.float64)
        return float(discrepancy(self.middle, window)) / self.spread

    def null(self, rng: np.random.Generator) -> NullScores:
        """Of resamples of its own rows, the second of as many as are read of a window."""
        features = self.kernel.features(self.places)  # 4 MB, for as long as a calibration takes

        def scores(before: Rows, after: Rows, rows: int) -> Draws:
            sizes = (len(features), self.window_rows(rows))
            first, second = (resample(rng, len(before), len(features), n) @ features for n in sizes)
            return discrepancy(first, second) / self.spread

        return scores

    def null_missing(self, draws: int, rows: int, rng: np.random.Generator) -> Draws:
        """Distances (draws,) of the shares that are missing."""
        shares = [rng.binomial(n, self.missing, draws) / n for n in (self.rows, self.window_rows(rows))]
        return jensenshannon(*(np.stack((share, 1 - share), axis=1) for share in shares))

    def plane(self, vectors: Vectors) -> Rows:
        """Where vectors lie on the two widest axes, (rows, 2)."""
        return _two(self.projection.place(vectors))

    def window_rows(self, rows: int) -> int:
        """How many of a window's rows are read."""
        return min(rows, MOST_WINDOW_ROWS)

    @property
    def reference_plane(self) -> Rows:
        return _two(self.places * self.projection.widths)


def _scaled(projection: Projection, vectors: Vectors) -> Rows:
    return projection.place(vectors) / projection.widths


def _two(places: Rows) -> Rows:
    return np.pad(places, ((0, 0), (0, 2)))[:, :2]
