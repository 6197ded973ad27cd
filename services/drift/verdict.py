"""Whether a window has drifted: scores against thresholds, column by column, and the model's verdict from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from pilothouse.manifest import ImageInput, Manifest
from pilothouse.wire.drift import ColumnDrift, ColumnStatus, DriftReason, DriftVerdict, JointDrift, JointStatus
from services.drift.records import EMBEDDING
from services.drift.reference.joint_embedding import EmbeddingProfile
from services.drift.reference.joint_features import LEAST_COLUMNS, FeatureProfile
from services.drift.reference.profiles import CategoryProfile, Cleaned, ColumnTest, Profile, monitored_tests
from services.drift.reference.reference import JointProfile, Reference, embedding_size
from services.drift.reference.scores import binary_distance
from services.drift.reference.thresholds import Thresholds

LEAST_VECTORS = 10  # of a window: the smallest size that thresholds are calibrated for
Limits = tuple[float, float]
_JOINT = {"embedding": "the embedding", "features": "what the columns say together"}


@dataclass(frozen=True, slots=True)
class WindowResult:
    """What was found of one window, and the cleaned values of it. `alone` are the answer's `alone_columns`."""

    verdict: DriftVerdict
    reason: DriftReason
    message: str
    rows: int
    columns: tuple[ColumnDrift, ...] = ()
    joint: tuple[JointDrift, ...] = ()
    alone: tuple[str, ...] = ()
    cleaned: Mapping[str, Cleaned] = field(default_factory=dict, repr=False)

    @property
    def compared(self) -> tuple[ColumnDrift, ...]:
        return tuple(c for c in self.columns if c.drifted is not None)

    @property
    def drifted(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.drifted)

    @property
    def drift_share(self) -> float | None:
        return len(self.drifted) / len(self.compared) if self.compared else None


def unknown(reason: DriftReason, message: str, rows: int = 0) -> WindowResult:
    """A window that was not compared, and why."""
    return WindowResult("unknown", reason, message, rows)


def judge(
    manifest: Manifest,
    reference: Reference,
    thresholds: Thresholds,
    window: pa.Table,
    embeddings: pa.Table | None = None,
) -> WindowResult:
    """Compare a window's records with the reference. `embeddings` is another sample of the window with the embedding;
    without it, the window's own column counts."""
    rows, least = window.num_rows, manifest.monitoring.minimum_rows
    if rows == 0:
        return unknown("no-records", "there are no records in this window")
    if rows < least:
        return unknown("too-few-rows", f"{rows} of the {least} rows that a drift score of this model needs", rows)
    cleaned = {n: p.clean(window.column(n)) for n, p in reference.profiles.items() if n in window.column_names}
    columns = tuple(
        _compare(t, reference.profiles.get(t.name), cleaned.get(t.name), thresholds) for t in monitored_tests(manifest)
    )
    joint = (_compare_joint(manifest, reference, thresholds, cleaned, window if embeddings is None else embeddings),)
    alone = _alone(columns, manifest.monitoring.drift_share)
    verdict, reason, message = _conclude(columns, alone, joint, manifest.monitoring.drift_share)
    return WindowResult(verdict, reason, message, rows, columns, joint, tuple(c.name for c in alone), cleaned)


def _compare(test: ColumnTest, profile: Profile | None, cleaned: Cleaned | None, thresholds: Thresholds) -> ColumnDrift:
    if profile is None:
        return _not_compared(test, "absent-from-reference", "the reference does not have this column")
    if cleaned is None:
        return _not_compared(test, "absent", "the records do not have this column")
    return _compare_missing(profile, cleaned, thresholds) or _compare_values(profile, cleaned, thresholds)


def _not_compared(test: ColumnTest, status: ColumnStatus, message: str) -> ColumnDrift:
    return ColumnDrift(name=test.name, kind=test.kind, stattest=test.stattest, status=status, message=message)


def _compare_values(profile: Profile, cleaned: Cleaned, thresholds: Thresholds) -> ColumnDrift:
    rows = len(cleaned.values)
    threshold = thresholds.score(profile.test, profile.floor, rows)
    alone = thresholds.alone_score(profile.test, threshold, rows)
    return _compared(profile, cleaned, profile.score(cleaned), (threshold, alone), _faults(cleaned))


def _compare_missing(profile: Profile, cleaned: Cleaned, thresholds: Thresholds) -> ColumnDrift | None:
    """A number's result when what is missing has changed, or is all there is to compare; else None.

    Its remaining values are then no fair sample of what the column would say, so they are not compared.
    """
    if isinstance(profile, CategoryProfile):
        return None
    score = binary_distance(profile.missing, cleaned.missing)
    threshold = thresholds.missing(profile.test, profile.missing, rows := len(cleaned.values))
    if score < threshold and profile.missing < 1 and cleaned.missing < 1:
        return None
    message = f"{cleaned.missing:.1%} of the values are missing, in the reference {profile.missing:.1%}"
    if cleaned.unusable:
        message += f"; {cleaned.unusable:.1%} were given but are no finite numbers"
    result = _compared(profile, cleaned, score, (threshold, thresholds.alone_missing(threshold, rows)), message)
    return result.model_copy(update={"status": "missing", "kind": "category", "stattest": "jensenshannon"})


def _compared(profile: Profile, cleaned: Cleaned, score: float, limits: Limits, message: str | None) -> ColumnDrift:
    """`limits` are the scores from which the column has drifted, and from which it is drift of the model by itself."""
    return ColumnDrift(
        name=profile.test.name,
        kind=profile.test.kind,
        stattest=profile.test.stattest,
        status="compared",
        score=score,
        threshold=limits[0],
        alone_threshold=limits[1],
        drifted=score >= limits[0],
        message=message,
        missing_share=cleaned.missing,
        missing_share_reference=profile.missing,
        new_category_share=cleaned.new,
        out_of_range_share=cleaned.out_of_range,
        unusable_share=cleaned.unusable,
    )


def _faults(cleaned: Cleaned) -> str | None:
    """What a person should know of a column that was compared by its values; None when all is as usual."""
    faults = []
    if cleaned.new:
        faults.append(f"{cleaned.new:.1%} are of categories that the reference does not have")
    if cleaned.out_of_range > 0.01:
        faults.append(f"{cleaned.out_of_range:.1%} lie beyond the reference's extreme values")
    if cleaned.unusable:
        faults.append(f"{cleaned.unusable:.1%} were given but are no finite numbers")
    if not cleaned.out_of_range and len(np.unique(cleaned.values)) == 1:  # clipping makes them the same
        faults.append("all values are the same")
    return "; ".join(faults) or None


def _compare_joint(
    manifest: Manifest,
    reference: Reference,
    thresholds: Thresholds,
    columns: Mapping[str, Cleaned],
    embeddings: pa.Table,
) -> JointDrift:
    """`columns` are a window's, cleaned; `embeddings` its records, or a sample of them."""
    features, embedding = reference.joint.get("features"), reference.joint.get("embedding")
    if isinstance(features, FeatureProfile):
        return _compare_features(features, thresholds, columns)
    if isinstance(embedding, EmbeddingProfile):
        return _compare_embedding(embedding, thresholds, embeddings)
    return _nothing_joint(manifest)


def _compare_features(profile: FeatureProfile, thresholds: Thresholds, columns: Mapping[str, Cleaned]) -> JointDrift:
    lacking = [n for n in profile.profiles if n not in columns]
    if lacking:
        return _not_in_records(profile, f"the records do not have {', '.join(lacking)}")
    return _compared_jointly(profile, thresholds, profile.clean(columns))


def _compare_embedding(profile: EmbeddingProfile, thresholds: Thresholds, records: pa.Table) -> JointDrift:
    rows = records.num_rows
    if not rows or EMBEDDING not in records.column_names:
        return _not_in_records(profile, "the records do not have the embedding")
    given = profile.clean(records.column(EMBEDDING))
    missing = binary_distance(profile.missing, given.missing)
    allowed = thresholds.joint_missing(profile.name, profile.missing, rows)
    if missing >= allowed:
        message = (
            f"{given.missing:.1%} of the embeddings are missing or unusable, in the reference {profile.missing:.1%}"
        )
        result = _joint(profile, "missing", message)
        return result.model_copy(update={"score": missing, "threshold": allowed, "drifted": True, "rows": rows})
    if len(given.values) < LEAST_VECTORS:
        return _not_in_records(profile, f"only {len(given.values)} of the records have an embedding")
    return _compared_jointly(profile, thresholds, given)


def _compared_jointly(profile: JointProfile, thresholds: Thresholds, cleaned: Cleaned) -> JointDrift:
    rows, score = len(cleaned.values), profile.score(cleaned)
    threshold = thresholds.joint_score(profile.name, profile.floor, rows)
    found = {"score": score, "threshold": threshold, "drifted": score >= threshold, "rows": rows}
    return _joint(profile, "compared").model_copy(update=found)


def _not_in_records(profile: JointProfile, message: str) -> JointDrift:
    return _joint(profile, "absent-from-records", message)


def _nothing_joint(manifest: Manifest) -> JointDrift:
    """Why this model has nothing to compare together."""
    image = isinstance(manifest.input, ImageInput)
    kind = EmbeddingProfile if image else FeatureProfile
    if not manifest.monitoring.joint:
        return _joint(kind, "absent", "switched off in the manifest (monitoring.joint)")
    if image and embedding_size(manifest) is None:
        return _joint(kind, "absent", "the model gives no embedding")
    if not image and len(manifest.monitored_columns) < LEAST_COLUMNS:
        return _joint(kind, "absent", f"fewer than {LEAST_COLUMNS} columns are monitored")
    return _joint(kind, "absent-from-reference", "the reference has too few rows of it")


def _joint(kind: JointProfile | type[JointProfile], status: JointStatus, message: str | None = None) -> JointDrift:
    return JointDrift(name=kind.name, stattest=kind.stattest, status=status, message=message)


def _alone(columns: Sequence[ColumnDrift], drift_share: float) -> list[ColumnDrift]:
    """The columns that decide by themselves, the furthest first; none where enough have drifted for their share."""
    drifted = [c for c in columns if c.drifted]
    if not drifted or len(drifted) / sum(c.drifted is not None for c in columns) >= drift_share:
        return []
    far = (c for c in drifted if (c.score or 0.0) >= (c.alone_threshold or np.inf))
    return sorted(far, key=lambda c: c.excess, reverse=True)


def _conclude(
    columns: Sequence[ColumnDrift], alone: Sequence[ColumnDrift], joint: Sequence[JointDrift], drift_share: float
) -> tuple[DriftVerdict, DriftReason, str]:
    """The model's verdict. What could not be compared may not turn drift into an all-clear."""
    compared = [c for c in columns if c.drifted is not None]
    not_compared = [c.name for c in columns if c.drifted is None]
    drifted = [c.name for c in compared if c.drifted]
    hidden = [j for j in joint if j.status == "absent-from-records"]
    left_out = f"; not compared: {', '.join(not_compared)}" if not_compared else ""
    left_out += "".join(f"; {_JOINT[j.name]} could not be compared: {j.message}" for j in hidden)
    moved = "".join(f"; {_JOINT[j.name]} drifted" for j in joint if j.drifted)
    if not compared and not moved:
        return "unknown", "columns-not-comparable", "none of the monitored columns could be compared" + left_out
    counted = f"{len(drifted)} of {len(compared)} columns drifted"
    named = counted + (f": {', '.join(drifted)}" if drifted else "") + moved + left_out
    if alone:
        far = ", ".join(f"{c.name} ({c.excess:.1f} times its threshold)" for c in alone)
        return "drift", "compared", f"drift in {far}; {named}"
    if moved or (compared and len(drifted) / len(compared) >= drift_share):
        return "drift", "compared", named
    if hidden or (len(drifted) + len(not_compared)) / len(columns) >= drift_share:
        return "unknown", "columns-not-comparable", named
    return "no drift", "compared", named
