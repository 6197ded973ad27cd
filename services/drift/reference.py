"""The reference of a model version, loaded and reduced to profiles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pyarrow as pa

from pilothouse.columns import model_columns
from pilothouse.errors import IntegrityError
from pilothouse.manifest import Manifest
from pilothouse.package import REFERENCE, Package
from services.drift.category_profile import CategoryProfile, read_categories, read_numbers_as_categories
from services.drift.comparison import Comparison, plan
from services.drift.errors import ReferenceFault
from services.drift.number_profile import NumberProfile
from services.drift.scores import FEW_VALUES
from services.drift.values import read_numbers

Profile = NumberProfile | CategoryProfile
MOST_ROWS = 5_000
SAMPLE_SEED = 20_260_101
LABEL = "label"
METHOD_VERSION = 1  # raise it when cleaning, scores or calibration change: stored thresholds are then made anew


@dataclass(frozen=True)
class Reference:
    """`profiles` are of the monitored columns that the reference has; `table` holds every column of the model.

    `key` changes when anything changes that the thresholds depend on.
    """

    key: str
    rows: int
    drift_share: float
    profiles: Mapping[str, Profile]
    table: pa.Table = field(repr=False)


def load_reference(package: Package) -> Reference:
    """Read and verify a package's reference. Raises ReferenceFault when it is missing or not the one packed."""
    table = _read(package, [*_names(package.manifest), LABEL])
    if table.num_rows == 0:
        raise ReferenceFault("reference-damaged", f"the reference of {package.manifest.key} has no rows")
    return profile_reference(package.manifest, table, package.manifest.files[REFERENCE].sha256)


def profile_reference(manifest: Manifest, table: pa.Table, sha256: str) -> Reference:
    """Profiles of every monitored column that `table` has; of a large table, an even sample of its rows counts."""
    table = _bounded(table.select([n for n in (*_names(manifest), LABEL) if n in table.column_names]))
    comparisons = [c for c in plan(manifest) if c.name in table.column_names]
    return Reference(
        key=_key(manifest, sha256),
        rows=table.num_rows,
        drift_share=manifest.monitoring.drift_share,
        profiles={c.name: build_profile(c, table.column(c.name)) for c in comparisons},
        table=table,
    )


def build_profile(comparison: Comparison, column: pa.ChunkedArray) -> Profile:
    """The profile of one column. A number that hardly varies, or takes few values where histograms are compared, is
    compared as categories: clipped to its extreme quantiles it would be blind."""
    if comparison.kind == "category":
        return CategoryProfile.of(comparison, column, read_categories)
    profile = NumberProfile.of(comparison, read_numbers(column))
    few = comparison.method == "jensenshannon" and len(np.unique(profile.present)) <= FEW_VALUES
    if not profile.constant and not few:
        return profile
    as_category = Comparison(comparison.name, "category", "jensenshannon", comparison.threshold)
    return CategoryProfile.of(as_category, column, read_numbers_as_categories)


def _names(manifest: Manifest) -> list[str]:
    return [c.name for c in model_columns(manifest) if c.kind != "vector"]


def _read(package: Package, names: list[str]) -> pa.Table:
    """The columns with these names that the file has. By the file's own reader: that of tables takes 60 MB more."""
    import pyarrow.parquet

    if not package.reference.is_file():
        raise ReferenceFault("reference-missing", f"{package.manifest.key} has no {REFERENCE}")
    try:
        package.verify(REFERENCE)
        with pyarrow.parquet.ParquetFile(package.reference) as file:
            present = [n for n in names if n in file.schema_arrow.names]
            return file.read(columns=present, use_threads=False)
    except (IntegrityError, pa.ArrowException, OSError) as error:
        raise ReferenceFault("reference-damaged", str(error)) from error


def _bounded(table: pa.Table) -> pa.Table:
    if table.num_rows <= MOST_ROWS:
        return table
    chosen = np.random.default_rng(SAMPLE_SEED).choice(table.num_rows, MOST_ROWS, replace=False)
    return table.take(np.sort(chosen))


def _key(manifest: Manifest, sha256: str) -> str:
    compared = [(c.name, c.kind, c.method, c.threshold) for c in plan(manifest)]
    text = msgspec.json.encode([METHOD_VERSION, sha256, manifest.monitoring.drift_share, compared])
    return hashlib.sha256(text).hexdigest()
