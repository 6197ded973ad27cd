"""What is said of that which moves together, from a window's records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from pilothouse.manifest import ImageInput, Manifest
from services.drift.comparison import Cleaned
from services.drift.joint.embedding import EmbeddingProfile
from services.drift.joint.features import LEAST_COLUMNS, FeatureProfile
from services.drift.reference import EMBEDDING, Reference, embedding_size
from services.drift.scores import binary_distance
from services.drift.thresholds import Thresholds

JointName = Literal["embedding", "features"]
JointStatus = Literal["compared", "missing", "absent", "absent-from-reference", "absent-from-records"]
LEAST_VECTORS = 10  # of a window: the smallest size that thresholds are calibrated for


@dataclass(frozen=True, slots=True)
class JointResult:
    """`status`: `compared`; `missing`, by what is missing of the embeddings; `absent`, this model has none to compare;
    the other two were not compared. Only `absent-from-records` could have been, so that it may hide drift."""

    name: JointName
    stattest: str
    status: JointStatus
    score: float | None = None
    threshold: float | None = None
    drifted: bool | None = None
    message: str | None = None
    rows: int = 0


def compare_joint(
    manifest: Manifest,
    reference: Reference,
    thresholds: Thresholds,
    columns: Mapping[str, Cleaned],
    embeddings: pa.Table,
) -> tuple[JointResult, ...]:
    """One result for the model: `columns` are a window's, cleaned; `embeddings` its records, or a sample of them."""
    features, embedding = reference.joint.get("features"), reference.joint.get("embedding")
    if isinstance(features, FeatureProfile):
        return (_compare_features(features, thresholds, columns),)
    if isinstance(embedding, EmbeddingProfile):
        return (_compare_embedding(embedding, thresholds, embeddings),)
    return (_absent(manifest, reference),)


def _compare_features(profile: FeatureProfile, thresholds: Thresholds, columns: Mapping[str, Cleaned]) -> JointResult:
    lacking = [n for n in profile.profiles if n not in columns]
    if lacking:
        message = f"the records do not have {', '.join(lacking)}"
        return JointResult(profile.name, profile.stattest, "absent-from-records", message=message)
    cleaned = profile.clean(columns)
    return _compared(profile, thresholds, cleaned)


def _compare_embedding(profile: EmbeddingProfile, thresholds: Thresholds, records: pa.Table) -> JointResult:
    given = profile.clean(records.column(EMBEDDING)) if EMBEDDING in records.column_names else None
    if given is None or not records.num_rows:
        message = "the records do not have the embedding"
        return JointResult(profile.name, profile.stattest, "absent-from-records", message=message)
    missing = binary_distance(profile.missing, given.missing)
    allowed = thresholds.joint_missing(profile.name, profile.missing, records.num_rows)
    if missing >= allowed:
        message = (
            f"{given.missing:.1%} of the embeddings are missing or unusable, in the reference {profile.missing:.1%}"
        )
        return JointResult(
            profile.name, profile.stattest, "missing", missing, allowed, drifted=True, message=message,
            rows=records.num_rows,
        )  # fmt: skip
    if len(given.values) < LEAST_VECTORS:
        message = f"only {len(given.values)} of the records have an embedding"
        return JointResult(profile.name, profile.stattest, "absent-from-records", message=message)
    return _compared(profile, thresholds, given)


def _compared(profile: FeatureProfile | EmbeddingProfile, thresholds: Thresholds, cleaned: Cleaned) -> JointResult:
    rows = len(cleaned.values)
    score, threshold = profile.score(cleaned), thresholds.joint_score(profile.name, profile.floor, rows)
    return JointResult(
        profile.name, profile.stattest, "compared", score, threshold, drifted=bool(score >= threshold), rows=rows
    )


def _absent(manifest: Manifest, reference: Reference) -> JointResult:
    """Why this model has nothing to compare together."""
    image = isinstance(manifest.input, ImageInput)
    kind = EmbeddingProfile if image else FeatureProfile
    status: JointStatus = "absent"
    if not manifest.monitoring.joint:
        why = "switched off in the manifest (monitoring.joint)"
    elif image and embedding_size(manifest) is None:
        why = "the model gives no embedding"
    elif not image and len(manifest.monitored_columns) < LEAST_COLUMNS:
        why = f"fewer than {LEAST_COLUMNS} columns are monitored"
    else:
        status, why = "absent-from-reference", "the reference has too few rows of it"
    return JointResult(kind.name, kind.stattest, status, message=why)
