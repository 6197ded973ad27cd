"""How the values of each column are distributed, in the reference and in a window, as shares of the values there are.

Numbers are cleaned as for the scores, so what lies beyond the reference's extreme quantiles is in the outermost bins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.columns import model_columns
from pilothouse.manifest import Manifest, TabularInput
from services.drift.category_profile import NEW, OTHER, CategoryProfile
from services.drift.comparison import Cleaned, comparison_of
from services.drift.errors import UnknownColumnError
from services.drift.number_profile import NumberProfile
from services.drift.reference import Profile, Reference, build_profile
from services.drift.values import read_numbers

BINS = 30
QUANTILES = ("0.001", "0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99", "0.999")
DAYS = "days since 1970-01-01"


def chosen_columns(manifest: Manifest, reference: Reference, names: Sequence[str] | None) -> list[str]:
    """The monitored columns, or those named, as far as the reference has them. Raises UnknownColumnError for a name
    that the model's log does not have."""
    known = [c.name for c in model_columns(manifest) if c.kind != "vector"]
    for name in names or ():
        if name not in known:
            raise UnknownColumnError(name, known)
    wanted = list(names) if names else [c.name for c in manifest.monitored_columns]
    return [n for n in dict.fromkeys(wanted) if n in reference.table.column_names]


def distributions(manifest: Manifest, reference: Reference, table: pa.Table, names: Sequence[str]) -> Iterator[Any]:
    """Each column's shares, as on the wire; `current` is None when the window has no such values."""
    units = _units(manifest)
    for name in names:
        profile = reference.profiles.get(name) or build_profile(
            comparison_of(manifest, name), reference.table.column(name)
        )
        present = table.num_rows and name in table.column_names
        cleaned = profile.clean(table.column(name)) if present else None
        if isinstance(profile, CategoryProfile):
            yield {"name": name, "kind": "category", **_categories(profile, cleaned), **_missing(profile, cleaned)}
        else:
            unit = {"unit": units[name]} if units.get(name) else {}
            raw = read_numbers(reference.table.column(name)).values
            yield {"name": name, "kind": "number", **_numbers(profile, raw, cleaned), **unit} | _missing(
                profile, cleaned
            )


def _missing(profile: Profile, cleaned: Cleaned | None) -> dict[str, Any]:
    return {"missing_reference": profile.missing, "missing_current": cleaned.missing if cleaned else None}


def _numbers(profile: NumberProfile, raw: NDArray[np.float64], cleaned: Cleaned | None) -> dict[str, Any]:
    if not len(profile.present):
        return {"edges": [], "reference": [], "current": None, "reference_quantiles": {}}
    edges = _edges(profile.present)
    quantiles = np.quantile(raw[~np.isnan(raw)], [float(q) for q in QUANTILES])
    return {
        "edges": edges.tolist(),
        "reference": _histogram(profile.present, edges),
        "current": None if cleaned is None else _histogram(cleaned.values[~np.isnan(cleaned.values)], edges),
        "reference_quantiles": dict(zip(QUANTILES, quantiles.tolist(), strict=True)),
    }


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(bins + 1,): even ones, and one about each number where these are few whole ones."""
    lowest, highest = float(values[0]), float(values[-1])
    if highest - lowest < BINS and (values == np.round(values)).all():
        return np.arange(lowest - 0.5, highest + 1)
    return np.linspace(lowest, highest, BINS + 1)


def _histogram(values: NDArray[np.float64], edges: NDArray[np.float64]) -> list[float]:
    counts = np.histogram(values, edges)[0]
    shares: list[float] = (counts / max(len(values), 1)).tolist()
    return shares


def _categories(profile: CategoryProfile, cleaned: Cleaned | None) -> dict[str, Any]:
    """The commonest first, then what counts as other or new where there is any."""
    before = _shares(profile, profile.codes)
    after = None if cleaned is None else _shares(profile, cleaned.values)
    most = before if after is None else np.maximum(before, after)
    kept = [i for i, label in enumerate(profile.labels[:-1]) if most[i] or label not in (NEW, OTHER)]
    named = [i for i in kept if profile.labels[i] not in (NEW, OTHER)]
    order = sorted(named, key=lambda i: -before[i]) + [i for i in kept if i not in named]
    return {
        "categories": [profile.labels[i] for i in order],
        "reference": before[order].tolist(),
        "current": None if after is None else after[order].tolist(),
    }


def _shares(profile: CategoryProfile, codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Of the values there are, by label, `MISSING` left out."""
    counts = np.bincount(codes, minlength=len(profile.labels))[:-1]
    shares: NDArray[np.float64] = counts / max(counts.sum(), 1)
    return shares


def _units(manifest: Manifest) -> dict[str, str | None]:
    units = {"prediction": manifest.output.unit}
    if not isinstance(manifest.input, TabularInput):
        return units
    return units | {f.name: DAYS if f.type == "datetime" else f.unit for f in manifest.input.features}
