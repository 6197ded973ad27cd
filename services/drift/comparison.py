"""How each column is compared with the reference: fixed by the manifest, for as long as the model version lives.

A number is compared by Wasserstein's distance (or Jensen-Shannon's, where the manifest says so), a category by
Jensen-Shannon's. `FLOORS` are the smallest thresholds: a tenth of a standard deviation is Evidently's own default for
numbers; for categories 0.05, about seven points of a share of one half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from pilothouse.columns import model_columns
from pilothouse.manifest import Manifest

Method = Literal["wasserstein", "jensenshannon"]
Kind = Literal["number", "category"]
FLOORS: Mapping[Method, float] = {"wasserstein": 0.1, "jensenshannon": 0.05}
_CATEGORIES = frozenset({"category", "boolean", "text"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is to be compared. `threshold` is the manifest's own, which wins over the calibrated one."""

    name: str
    kind: Kind
    method: Method
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A column of a window, cleaned. `values` are numbers (rows,) with NaN, or codes (rows,) into the profile's labels.

    The shares are of all rows: missing (unusable values among them), of a category that the reference has not, outside
    the reference's extreme quantiles, and given but of the wrong type or not finite.
    """

    values: NDArray[Any]
    missing: float
    new: float = 0.0
    out_of_range: float = 0.0
    unusable: float = 0.0


def plan(manifest: Manifest) -> tuple[Comparison, ...]:
    """A comparison for each monitored column. Categories have one method only, whatever the manifest says."""
    kinds = {c.name: c.kind for c in model_columns(manifest)}
    return tuple(_comparison(c.name, kinds[c.name], c.stattest, c.threshold) for c in manifest.monitored_columns)


def comparison_of(manifest: Manifest, name: str) -> Comparison:
    """How a column that is not monitored would be compared."""
    kinds = {c.name: c.kind for c in model_columns(manifest)}
    return _comparison(name, kinds[name], None, None)


def _comparison(name: str, kind: str, method: Method | None, threshold: float | None) -> Comparison:
    if kind in _CATEGORIES:
        return Comparison(name, "category", "jensenshannon", threshold)
    return Comparison(name, "number", method or "wasserstein", threshold)
