"""What a window looks like beside the reference, for the page: each column's distribution, embeddings on a plane.

Shares are of the values there are. Numbers are cleaned as for the scores, so what lies beyond the reference's extreme
quantiles is in the outermost bins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.columns import model_columns
from pilothouse.manifest import Manifest, TabularInput
from pilothouse.package import Package
from pilothouse.wire.distributions import Distribution, Distributions, Plane
from services.drift.arrow import Floats, Vectors, read_numbers, read_vectors, usable
from services.drift.errors import NoEmbeddingError, UnknownColumnError
from services.drift.records import EMBEDDING, Records, Rows
from services.drift.reference.baseline import Baselines
from services.drift.reference.joint_embedding import EmbeddingProfile
from services.drift.reference.profiles import (
    NEW,
    OTHER,
    CategoryProfile,
    Cleaned,
    NumberProfile,
    build_profile,
    column_test,
)
from services.drift.reference.reference import Reference, embedding_size
from services.drift.window import Window, window_span

BINS = 30
QUANTILES = ("0.001", "0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99", "0.999")
DAYS = "days since 1970-01-01"
POINTS = 500  # of embeddings, a side at most
DIGITS = 4  # decimals of a coordinate: a picture needs no more


class WindowPictures:
    """Every call raises ReferenceFault or CollectorAwayError when one side of the picture cannot be had."""

    def __init__(self, records: Records, baselines: Baselines) -> None:
        self._records, self._baselines = records, baselines

    async def distributions(self, package: Package, window: Window, names: Sequence[str] | None) -> Distributions:
        """Shares by column of the reference and the window. Raises UnknownColumnError too."""
        manifest = package.manifest
        reference = (await self._baselines.get(package)).reference
        wanted = chosen_columns(manifest, reference, names)
        rows = await self._records.read(manifest.name, manifest.version, window, wanted)
        columns = await asyncio.to_thread(lambda: tuple(distributions(manifest, reference, rows.table, wanted)))
        return Distributions(
            model=manifest.name,
            version=manifest.version,
            window=window_span(*rows.span_ms(), rows.window_rows),
            rows=rows.table.num_rows,
            columns=columns,
        )

    async def embedding(self, package: Package, window: Window) -> Plane:
        """Points on a plane of the reference and the window. Raises NoEmbeddingError too."""
        manifest = package.manifest
        if embedding_size(manifest) is None:
            raise NoEmbeddingError(manifest.key, "its manifest names none")
        profile = (await self._baselines.get(package)).reference.embedding
        if profile is None:
            raise NoEmbeddingError(manifest.key, "its reference holds none, or too few")
        rows = await self._records.read(manifest.name, manifest.version, window, [EMBEDDING], most=POINTS)
        return await asyncio.to_thread(plane, manifest, profile, rows)


def chosen_columns(manifest: Manifest, reference: Reference, names: Sequence[str] | None) -> list[str]:
    """The monitored columns, or those named, as far as the reference has them. Raises UnknownColumnError for a name
    that the model's log does not have."""
    known = [c.name for c in model_columns(manifest) if c.kind != "vector"]
    for name in names or ():
        if name not in known:
            raise UnknownColumnError(name, known)
    wanted = list(names) if names else [c.name for c in manifest.monitored_columns]
    return [n for n in dict.fromkeys(wanted) if n in reference.table.column_names]


def distributions(
    manifest: Manifest, reference: Reference, table: pa.Table, names: Sequence[str]
) -> Iterator[Distribution]:
    """Each column's shares; `current` is None when the window has no such values."""
    units = _units(manifest)
    for name in names:
        column = reference.table.column(name)
        profile = reference.profiles.get(name) or build_profile(column_test(manifest, name), column)
        present = table.num_rows and name in table.column_names
        cleaned = profile.clean(table.column(name)) if present else None
        if isinstance(profile, CategoryProfile):
            shares = _categories(profile, cleaned) | {"kind": "category"}
        else:
            shares = _numbers(profile, read_numbers(column).values, cleaned) | {
                "kind": "number",
                "unit": units.get(name),
            }
        missing = cleaned.missing if cleaned else None
        yield Distribution(name=name, missing_reference=profile.missing, missing_current=missing, **shares)


def _numbers(profile: NumberProfile, raw: Floats, cleaned: Cleaned | None) -> dict[str, Any]:
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


def _edges(values: Floats) -> Floats:
    """(bins + 1,): even ones, and one about each number where these are few whole ones."""
    lowest, highest = float(values[0]), float(values[-1])
    if highest - lowest < BINS and (values == np.round(values)).all():
        return np.arange(lowest - 0.5, highest + 1)
    return np.linspace(lowest, highest, BINS + 1)


def _histogram(values: Floats, edges: Floats) -> list[float]:
    counts = np.histogram(values, edges)[0]
    shares: list[float] = (counts / max(len(values), 1)).tolist()
    return shares


def _categories(profile: CategoryProfile, cleaned: Cleaned | None) -> dict[str, Any]:
    """The commonest first, then what counts as other or new where there is any."""
    before = _shares(profile, profile.values)
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


def _shares(profile: CategoryProfile, codes: NDArray[np.intp]) -> Floats:
    """Of the values there are, by label, `MISSING` left out."""
    counts = np.bincount(codes, minlength=len(profile.labels))[:-1]
    shares: Floats = counts / max(counts.sum(), 1)
    return shares


def _units(manifest: Manifest) -> dict[str, str | None]:
    units = {"prediction": manifest.output.unit}
    if not isinstance(manifest.input, TabularInput):
        return units
    return units | {f.name: DAYS if f.type == "datetime" else f.unit for f in manifest.input.features}


def plane(manifest: Manifest, profile: EmbeddingProfile, rows: Rows) -> Plane:
    """Points of the reference and of a window's records."""
    before = profile.reference_plane
    even = np.linspace(0, len(before) - 1, min(len(before), POINTS)).astype(int)
    vectors, ids = _embeddings(rows.table, profile.projection.axes.shape[1])
    first, second = [*profile.projection.explained.tolist(), 0.0][:2]
    return Plane(
        model=manifest.name,
        version=manifest.version,
        window=window_span(*rows.span_ms(), rows.window_rows),
        rows=len(vectors),
        reference=_points(before[even]),
        current=_points(profile.plane(vectors)),
        current_ids=ids,
        explained=(first, second),
    )


def _embeddings(table: pa.Table, size: int) -> tuple[Vectors, list[str]]:
    if not {"id", EMBEDDING} <= set(table.column_names):
        return np.empty((0, size), np.float32), []
    vectors = read_vectors(table.column(EMBEDDING), size)
    there = usable(vectors)
    ids = table.column("id").to_pylist()
    return vectors[there], [str(ids[i]) for i in np.flatnonzero(there)]


def _points(coordinates: Vectors) -> list[tuple[float, float]]:
    return [(x, y) for x, y in np.round(coordinates.astype(np.float64), DIGITS).tolist()]
