"""The axes along which the columns of a table move together, learned from rows of the reference.

Every column has mean 0 and variance 1 there: a number counts by its rank, as a normal score, so that a long tail does
not rule the axes; a category is a number for each of the commonest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.drift.category_profile import CategoryProfile
from services.drift.number_profile import NumberProfile
from services.drift.scores import Numbers

Profile = NumberProfile | CategoryProfile
Values = Mapping[str, NDArray[Any]]
Encode = Callable[[NDArray[Any]], Numbers]
KEPT_VARIANCE = 0.7
LEAST_WIDTH = 1e-6  # of a column; what is narrower does not vary
MOST_CATEGORIES = 10  # beyond the commonest, they count as one


@dataclass(frozen=True)
class Axes:
    """`directions` (axes, size) hold `KEPT_VARIANCE` of the variance about `middle` (size,)."""

    encoders: Mapping[str, Encode]
    middle: Numbers
    directions: Numbers

    @classmethod
    def of(cls, profiles: Mapping[str, Profile], values: Values) -> Axes:
        """Learned from cleaned values (rows,) of each column. There is always a direction that is left out."""
        encoders = {n: _encoder(p, values[n]) for n, p in profiles.items()}
        rows = _encode(encoders, values)
        middle = rows.mean(axis=0)
        variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(rows, rowvar=False, bias=True)))
        widest = np.argsort(variances)[::-1]
        held = np.cumsum(np.maximum(variances[widest], 0)) / max(float(np.maximum(variances, 0).sum()), 1e-30)
        kept = min(int(np.searchsorted(held, KEPT_VARIANCE)) + 1, len(middle) - 1)
        return cls(encoders, middle, np.asarray(axes[:, widest[:kept]].T))

    def errors(self, values: Values) -> Numbers:
        """Distance (rows,) of each row from the directions."""
        centred = _encode(self.encoders, values) - self.middle
        inside = centred @ self.directions.T
        return np.asarray(np.sqrt(np.maximum((centred**2).sum(axis=1) - (inside**2).sum(axis=1), 0)))


def _encode(encoders: Mapping[str, Encode], values: Values) -> Numbers:
    """(rows, size)."""
    return np.concatenate([encode(values[n]) for n, encode in encoders.items()], axis=1)


def _encoder(profile: Profile, values: NDArray[Any]) -> Encode:
    if isinstance(profile, CategoryProfile):
        return _category_encoder(len(profile.labels), values)
    return _number_encoder(np.sort(values[~np.isnan(values)]))


def _number_encoder(known: Numbers) -> Encode:
    """Normal scores (rows, 1) among the sorted `known`; 0 for a value that is missing, and for all where `known` are
    all the same: any other value would be infinitely far away, and its error would drown those of every other row."""
    own = _normal_scores(known, known) if len(known) else np.zeros(1)
    middle, width = float(own.mean()), float(own.std())
    if width < LEAST_WIDTH:
        return lambda values: np.zeros((len(values), 1))

    def encode(values: Numbers) -> Numbers:
        scores = (_normal_scores(known, values) - middle) / width
        return np.where(np.isnan(values), 0.0, scores)[:, None]

    return encode


def _normal_scores(known: Numbers, values: Numbers) -> Numbers:
    """Of the values' middle ranks among the sorted `known`, (values,)."""
    ranks = np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")
    return np.asarray(_quantiles(len(known))[ranks])


@lru_cache(maxsize=8)
def _quantiles(count: int) -> Numbers:
    """Of the normal distribution at each half rank from 0 to `count`, (2 count + 1,) (after Blom 1958)."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((half / 2 + 0.125) / (count + 0.25)) for half in range(2 * count + 1)])


def _category_encoder(labels: int, codes: NDArray[np.intp]) -> Encode:
    """(rows, categories): 1 where a row is of the category, less its share, over the column's standard deviation."""
    found = np.bincount(codes, minlength=labels) / max(len(codes), 1)
    commonest = np.argsort(-found, kind="stable")[: MOST_CATEGORIES - 1]
    places = np.full(labels, len(commonest))
    places[commonest] = np.arange(len(commonest))
    shares = np.bincount(places, found, len(commonest) + 1)
    width = float(np.sqrt((shares * (1 - shares)).sum()))
    table = (np.eye(len(shares)) - shares) / width if width >= LEAST_WIDTH else np.zeros((len(shares), len(shares)))
    return lambda codes: np.asarray(table[places[codes]])
