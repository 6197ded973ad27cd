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
from pilothouse.manifest import ImageInput, Manifest
from pilothouse.package import REFERENCE, Package
from services.drift.arrow import read_vectors, take_rows
from services.drift.errors import ReferenceFault
from services.drift.records import EMBEDDING, LABEL
from services.drift.reference.joint_embedding import EmbeddingProfile
from services.drift.reference.joint_features import FeatureProfile
from services.drift.reference.profiles import Profile, build_profile, monitored_tests

JointProfile = FeatureProfile | EmbeddingProfile
MOST_ROWS = 5_000
SAMPLE_SEED = 20_260_101
MOST_VECTORS = 4_000
MOST_VECTOR_NUMBERS = 4_000_000  # 16 MB while a reference is loaded
METHOD_VERSION = 4  # raise it when cleaning, scores or calibration change: stored thresholds are then made anew


@dataclass(frozen=True)
class Reference:
    """`profiles` are of the monitored columns that the reference has; `table` holds every column of the model.

    `joint` are the profiles of what is compared together, by name, where the manifest has it watched; `embedding` is
    there to be shown, watched or not. `key` changes when anything changes that the thresholds depend on.
    """

    key: str
    rows: int
    drift_share: float
    profiles: Mapping[str, Profile]
    table: pa.Table = field(repr=False)
    embedding: EmbeddingProfile | None = field(default=None, repr=False)
    joint: Mapping[str, JointProfile] = field(default_factory=dict, repr=False)


def load_reference(package: Package) -> Reference:
    """Read and verify a package's reference. Raises ReferenceFault when it is missing or not the one packed."""
    table = _read(package, [*_names(package.manifest), LABEL, EMBEDDING])
    if table.num_rows == 0:
        raise ReferenceFault("reference-damaged", f"the reference of {package.manifest.key} has no rows")
    return profile_reference(package.manifest, table, package.manifest.files[REFERENCE].sha256)


def profile_reference(manifest: Manifest, table: pa.Table, sha256: str) -> Reference:
    """Profiles of every monitored column that `table` has; of a large table, an even sample of its rows counts."""
    table = _bounded(table, MOST_ROWS)
    embedding = _embedding(manifest, table)
    table = table.select([n for n in (*_names(manifest), LABEL) if n in table.column_names])
    tests = [t for t in monitored_tests(manifest) if t.name in table.column_names]
    profiles = {t.name: build_profile(t, table.column(t.name)) for t in tests}
    return Reference(
        key=_key(manifest, sha256),
        rows=table.num_rows,
        drift_share=manifest.monitoring.drift_share,
        profiles=profiles,
        table=table,
        embedding=embedding,
        joint=_joint(manifest, profiles, embedding),
    )


def embedding_size(manifest: Manifest) -> int | None:
    """How many numbers an embedding has; None for a model without."""
    return next((c.size for c in model_columns(manifest) if c.kind == "vector"), None)


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


def _bounded(table: pa.Table, most: int) -> pa.Table:
    """An even sample of the rows, the same one each time."""
    if table.num_rows <= most:
        return table
    chosen = np.random.default_rng(SAMPLE_SEED).choice(table.num_rows, most, replace=False)
    return take_rows(table, np.sort(chosen))


def _embedding(manifest: Manifest, table: pa.Table) -> EmbeddingProfile | None:
    size = embedding_size(manifest)
    if size is None or EMBEDDING not in table.column_names:
        return None
    some = _bounded(table.select([EMBEDDING]), min(MOST_VECTORS, MOST_VECTOR_NUMBERS // size))
    return EmbeddingProfile.of(read_vectors(some.column(EMBEDDING), size))


def _joint(
    manifest: Manifest, profiles: Mapping[str, Profile], embedding: EmbeddingProfile | None
) -> dict[str, JointProfile]:
    """The embedding of an image model, the monitored columns of another."""
    if not manifest.monitoring.joint:
        return {}
    image = isinstance(manifest.input, ImageInput)
    profile = embedding if image else FeatureProfile.of(profiles)
    return {profile.name: profile} if profile else {}


def _key(manifest: Manifest, sha256: str) -> str:
    compared = [(t.name, t.kind, t.stattest, t.threshold) for t in monitored_tests(manifest)]
    watched = (manifest.monitoring.drift_share, manifest.monitoring.joint)
    text = msgspec.json.encode([METHOD_VERSION, sha256, watched, compared])
    return hashlib.sha256(text).hexdigest()
