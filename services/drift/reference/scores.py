"""The two scores, in numpy: higher is more drift. Both give the number that Evidently gives for the same values.

Wasserstein's first distance in units of the reference's standard deviation (Evidently's "wasserstein"; Ramdas et al.
2017, doi:10.3390/e19020047) for numbers, the Jensen-Shannon distance with natural logarithms (Endres and Schindelin
2003, doi:10.1109/TIT.2003.813506) for categories.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from services.drift.arrow import Floats

SMALLEST_SPREAD = 0.001  # Evidently's floor for the standard deviation
FEW_VALUES = 20  # up to so many different numbers, Evidently compares them as categories


def spread(reference: Floats) -> float:
    """The population standard deviation, floored as Evidently does. (values,) without NaN."""
    return max(float(np.std(reference)), SMALLEST_SPREAD)


def own_units(reference: Floats) -> float:
    """The standard deviation in units of `spread`: below 1 where Evidently's floor is the larger of the two, as of a
    column in a small unit. A score of so much is one standard deviation. (values,) without NaN."""
    return float(np.std(reference)) / spread(reference)


def wasserstein(reference: Floats, current: Floats) -> float:
    """Area between the two distribution functions over the reference's spread. Two arrays (values,) without NaN."""
    values = np.sort(np.concatenate((reference, current)))
    gaps = np.diff(values)
    before = np.searchsorted(np.sort(reference), values[:-1], "right") / len(reference)
    after = np.searchsorted(np.sort(current), values[:-1], "right") / len(current)
    return float(np.abs(before - after) @ gaps) / spread(reference)


def jensenshannon(reference: NDArray[np.floating], current: NDArray[np.floating]) -> NDArray[np.float64]:
    """Distance of the shares (..., categories), 0 to sqrt(ln 2); every row sums to 1."""
    middle = (reference + current) / 2
    divergence = _relative_entropy(reference, middle) + _relative_entropy(current, middle)
    return np.sqrt(np.maximum(divergence, 0) / 2)


def _relative_entropy(shares: NDArray[np.floating], middle: NDArray[np.floating]) -> NDArray[np.float64]:
    ratio = np.divide(shares, middle, out=np.ones(np.shape(shares), dtype=np.float64), where=shares > 0)
    total: NDArray[np.float64] = (shares * np.log(ratio)).sum(axis=-1)
    return total


def bins(reference: Floats, current_rows: int) -> Floats:
    """Edges that Evidently gives numbers for "jensenshannon": Sturges' rule over both samples.

    `reference` is clipped, and the current values to the same bounds, so that its extremes are those of both.
    """
    count = math.ceil(math.log2(len(reference) + current_rows) + 1)
    return np.linspace(reference.min(), reference.max(), count + 1)


def binary_distance(reference_share: float, current_share: float) -> float:
    """Jensen-Shannon distance of two shares of one thing, such as a missing value."""
    shares = np.array([[reference_share, 1 - reference_share], [current_share, 1 - current_share]])
    return float(jensenshannon(shares[0], shares[1]))
