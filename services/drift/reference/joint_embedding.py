"""Drift of an image model's embedding: the maximum mean discrepancy along its widest axes, in the reference's spreads.

Each axis is scaled to width 1, or the few widest, which say what is on the picture, would drown those that say how it
was taken. The axes are fitted on one half of the reference and compared on the other. Rows lie nearer to axes that
were fitted on them than new ones do, which looks like drift (with 1,024 numbers and 2,000 rows, in every window).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.drift.arrow import Floats, Vectors, read_vectors, usable
from services.drift.reference.profiles import Cleaned, NullScores, Weights, resample
from services.drift.reference.scores import jensenshannon

AXES = 32
LEAST_ROWS = 100  # of the reference
MOST_WINDOW_ROWS = 1_000  # read of a window: thousands of numbers a record are too many for more
SEED = 20_261_121
SPARE_AXES, ROUNDS = 16, 4
FREQUENCIES = 256
BANDWIDTH_ROWS = 500


@dataclass(frozen=True)
class EmbeddingProfile:
    """`scaled` (rows, axes) are of the reference's second half, each axis scaled to width 1; `middle` (features,) is
    the mean of their kernel features and `spread` how far they lie from it. `rows` is how many rows there were,
    `missing` the share of them that had no vector."""

    projection: Projection
    scaled: Vectors
    kernel: Kernel
    middle: Floats
    spread: float
    missing: float
    rows: int

    name: ClassVar[Literal["embedding"]] = "embedding"
    stattest: ClassVar[Literal["mmd"]] = "mmd"
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
        scaled = _scale(projection, compared)
        kernel = Kernel.of(scaled)
        features = kernel.features(scaled)
        middle = np.asarray(features.mean(axis=0, dtype=np.float64))
        return cls(projection, scaled, kernel, middle, spread(features), 1 - len(known) / len(vectors), len(vectors))

    def clean(self, column: pa.ChunkedArray) -> Cleaned:
        """`values` (rows, axes) are of the rows that have a vector."""
        vectors = read_vectors(column, self.projection.axes.shape[1])
        known = vectors[usable(vectors)]
        return Cleaned(_scale(self.projection, known), missing=1 - len(known) / max(len(vectors), 1))

    def score(self, cleaned: Cleaned) -> float:
        window = self.kernel.features(cleaned.values).mean(axis=0, dtype=np.float64)
        return float(discrepancy(self.middle, window)) / self.spread

    def null(self, rng: np.random.Generator) -> NullScores:
        """Of resamples of its own rows, the second of as many as are read of a window."""
        features = self.kernel.features(self.scaled)  # 4 MB, for as long as a calibration takes

        def scores(before: Weights, after: Weights, rows: int) -> Floats:
            sizes = (len(features), self.window_rows(rows))
            first, second = (resample(rng, len(before), len(features), n) @ features for n in sizes)
            return discrepancy(first, second) / self.spread

        return scores

    def null_missing(self, draws: int, rows: int, rng: np.random.Generator) -> Floats:
        """Distances (draws,) of the shares that are missing."""
        shares = [rng.binomial(n, self.missing, draws) / n for n in (self.rows, self.window_rows(rows))]
        return jensenshannon(*(np.stack((share, 1 - share), axis=1) for share in shares))

    def plane(self, vectors: Vectors) -> Vectors:
        """Where vectors lie on the two widest axes, (rows, 2)."""
        return _two(self.projection.project(vectors))

    def window_rows(self, rows: int) -> int:
        """How many of a window's rows are read."""
        return min(rows, MOST_WINDOW_ROWS)

    @property
    def reference_plane(self) -> Vectors:
        return _two(self.scaled * self.projection.widths)


def _scale(projection: Projection, vectors: Vectors) -> Vectors:
    return projection.project(vectors) / projection.widths


def _two(scaled: Vectors) -> Vectors:
    return np.pad(scaled, ((0, 0), (0, 2)))[:, :2]


@dataclass(frozen=True)
class Kernel:
    """A Gaussian kernel for the maximum mean discrepancy of two samples (Gretton et al. 2012, JMLR 13).

    By random Fourier features (Rahimi and Recht 2007) its mean of a sample is a mean of vectors: a score costs one pass
    over the window, and a thousand resamples one product of matrices. `frequencies` are (size, FREQUENCIES): a cosine
    and a sine of each are the features of a row.
    """

    frequencies: Vectors

    @classmethod
    def of(cls, rows: Vectors) -> Kernel:
        """With the median distance between some of the rows (rows, size) as its width (Gretton et al., section 8)."""
        some = rows[np.linspace(0, len(rows) - 1, min(len(rows), BANDWIDTH_ROWS)).astype(int)].astype(np.float64)
        lengths = (some**2).sum(axis=1)
        squares = lengths[:, None] + lengths - 2 * some @ some.T
        median = float(np.median(squares[np.triu_indices(len(some), 1)])) if len(some) > 1 else 1.0
        drawn = np.random.default_rng(SEED).normal(size=(rows.shape[1], FREQUENCIES))
        return cls((drawn / np.sqrt(max(median, 1e-12) / 2)).astype(np.float32))

    def features(self, rows: Vectors) -> Vectors:
        """(rows, 2 * FREQUENCIES); every row has length 1."""
        angles = rows @ self.frequencies
        waves = np.concatenate((np.cos(angles), np.sin(angles)), axis=1)
        return np.asarray(waves / np.sqrt(FREQUENCIES), np.float32)


def spread(features: Vectors) -> float:
    """How far rows lie from their mean: the unit in which the discrepancy is given. The same in other words: a
    window of the reference's own rows is 1 / sqrt(rows) away from it on average."""
    middle = features.mean(axis=0, dtype=np.float64)
    return float(np.sqrt(max(1 - middle @ middle, 1e-12)))


def discrepancy(before: NDArray[np.floating], after: NDArray[np.floating]) -> Floats:
    """Distance of means (..., features)."""
    return np.asarray(np.linalg.norm(np.asarray(before, np.float64) - after, axis=-1), np.float64)


@dataclass(frozen=True)
class Projection:
    """Principal components of many numbers at once (Pearson 1901, doi:10.1080/14786440109462720).

    Found by a randomised range finder (Halko, Martinsson and Tropp 2011, doi:10.1137/090771806), whose cost grows with
    the axes that are wanted and not with the square of the size: 4,096 numbers a row take a tenth of a second, not
    twenty. `axes` (components, size), the widest first; `widths` (components,) are the standard deviations along them,
    `explained` (components,) their shares of the variance.
    """

    middle: Vectors
    axes: Vectors
    widths: Vectors
    explained: Floats

    @classmethod
    def of(cls, rows: Vectors, components: int) -> Projection:
        """Fitted on (rows, size) without NaN; fewer components where the rows do not vary in so many directions.

        The largest weight of an axis is positive, so that a fit is one of two.
        """
        middle = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        centred = rows - middle
        basis = _range(centred, min(components + SPARE_AXES, *rows.shape))
        _, lengths, inside = np.linalg.svd(centred @ basis, full_matrices=False)
        variances = lengths.astype(np.float64) ** 2 / len(rows)
        kept = variances[:components] > 1e-8 * max(variances[0], 1e-30)
        axes = (inside @ basis.T)[:components][kept]
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
        variances = variances[:components][kept]
        total = max(float((centred.astype(np.float64) ** 2).sum()) / len(rows), 1e-30)
        signed = (axes * np.where(largest < 0, -1, 1)).astype(np.float32)
        return cls(middle, signed, np.sqrt(variances).astype(np.float32), variances / total)

    def project(self, rows: Vectors) -> Vectors:
        """Where rows (rows, size) lie on the axes, (rows, components)."""
        return np.asarray((rows - self.middle) @ self.axes.T, np.float32)


def _range(centred: Vectors, directions: int) -> Vectors:
    """An orthonormal basis (size, directions) of where the rows vary most."""
    start = np.random.default_rng(SEED).normal(size=(centred.shape[1], directions)).astype(np.float32)
    basis = np.linalg.qr(start)[0]
    for _ in range(ROUNDS):
        basis = np.linalg.qr(centred.T @ (centred @ basis))[0]
    return np.asarray(basis, np.float32)
