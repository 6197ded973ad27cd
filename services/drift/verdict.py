"""Whether a window has drifted: scores against thresholds, column by column, and the model's verdict from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pyarrow as pa

from pilothouse.manifest import Manifest
from services.drift.category_profile import CategoryProfile
from services.drift.comparison import Cleaned, Comparison, Kind, Method, plan
from services.drift.joint.result import JointResult, compare_joint
from services.drift.reference import Profile, Reference
from services.drift.scores import binary_distance
from services.drift.thresholds import Thresholds

Verdict = Literal["drift", "no drift", "unknown"]
Status = Literal["compared", "missing", "absent", "absent-from-reference"]
Reason = Literal[
    "compared",
    "no-records",
    "too-few-rows",
    "columns-not-comparable",
    "reference-missing",
    "reference-damaged",
    "collector-away",
]


@dataclass(frozen=True, slots=True)
class ColumnResult:
    """One column. `status` says how it was compared: `compared` by its values, `missing` by what is missing of them;
    the other two were not compared, and have no score. Shares are of the window's rows."""

    name: str
    kind: Kind
    stattest: Method
    status: Status
    score: float | None = None
    threshold: float | None = None
    drifted: bool | None = None
    message: str | None = None
    missing_share: float | None = None
    missing_share_reference: float | None = None
    new_category_share: float | None = None
    out_of_range_share: float | None = None
    unusable_share: float | None = None


@dataclass(frozen=True, slots=True)
class WindowResult:
    """What was said of one window, and the cleaned values that it was said of."""

    verdict: Verdict
    reason: Reason
    message: str
    rows: int
    columns: tuple[ColumnResult, ...] = ()
    joint: tuple[JointResult, ...] = ()
    cleaned: Mapping[str, Cleaned] = field(default_factory=dict, repr=False)

    @property
    def compared(self) -> tuple[ColumnResult, ...]:
        return tuple(c for c in self.columns if c.drifted is not None)

    @property
    def drifted(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.drifted)

    @property
    def drift_share(self) -> float | None:
        return len(self.drifted) / len(self.compared) if self.compared else None


def unknown(reason: Reason, message: str, rows: int = 0) -> WindowResult:
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
        return unknown("too-few-rows", f"{rows} rows are too few: this model's drift is measured from {least} on", rows)
    cleaned = {n: p.clean(window.column(n)) for n, p in reference.profiles.items() if n in window.column_names}
    columns = tuple(
        _compare(c, reference.profiles.get(c.name), cleaned.get(c.name), thresholds) for c in plan(manifest)
    )
    joint = compare_joint(manifest, reference, thresholds, cleaned, window if embeddings is None else embeddings)
    verdict, reason, message = _conclude(columns, joint, manifest.monitoring.drift_share)
    return WindowResult(verdict, reason, message, rows, columns, joint, cleaned)


def _compare(
    comparison: Comparison, profile: Profile | None, cleaned: Cleaned | None, thresholds: Thresholds
) -> ColumnResult:
    name = comparison.name
    if profile is None:
        message = "the reference does not have this column"
        return ColumnResult(name, comparison.kind, comparison.method, "absent-from-reference", message=message)
    if cleaned is None:
        message = "the records do not have this column"
        return ColumnResult(name, comparison.kind, comparison.method, "absent", message=message)
    by_missing = _compare_missing(profile, cleaned, thresholds)
    return by_missing or _compare_values(profile, cleaned, thresholds)


def _compare_values(profile: Profile, cleaned: Cleaned, thresholds: Thresholds) -> ColumnResult:
    score = profile.score(cleaned)
    threshold = thresholds.score(profile.comparison, profile.floor, len(cleaned.values))
    result = _result(profile, cleaned, score, threshold)
    return replace(result, message=_faults(cleaned))


def _compare_missing(profile: Profile, cleaned: Cleaned, thresholds: Thresholds) -> ColumnResult | None:
    """A number's result when what is missing has changed, or is all there is to compare; else None.

    Its remaining values are then no fair sample of what the column would say, so they are not compared.
    """
    if isinstance(profile, CategoryProfile):
        return None
    score = binary_distance(profile.missing, cleaned.missing)
    threshold = thresholds.missing(profile.comparison, profile.missing, len(cleaned.values))
    if score < threshold and profile.missing < 1 and cleaned.missing < 1:
        return None
    message = f"{cleaned.missing:.1%} of the values are missing, in the reference {profile.missing:.1%}"
    if cleaned.unusable:
        message += f"; {cleaned.unusable:.1%} were given but are no finite numbers"
    result = _result(profile, cleaned, score, threshold)
    return replace(result, status="missing", kind="category", stattest="jensenshannon", message=message)


def _result(profile: Profile, cleaned: Cleaned, score: float, threshold: float) -> ColumnResult:
    return ColumnResult(
        name=profile.comparison.name,
        kind=profile.comparison.kind,
        stattest=profile.comparison.method,
        status="compared",
        score=score,
        threshold=threshold,
        drifted=bool(score >= threshold),
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


def _conclude(
    columns: Sequence[ColumnResult], joint: Sequence[JointResult], drift_share: float
) -> tuple[Verdict, Reason, str]:
    """The model's verdict. What could not be compared may not turn drift into an all-clear."""
    compared = [c for c in columns if c.drifted is not None]
    aside = [c.name for c in columns if c.drifted is None]
    drifted = [c.name for c in compared if c.drifted]
    hidden = [j for j in joint if j.status == "absent-from-records"]
    left_out = f"; not compared: {', '.join(aside)}" if aside else ""
    left_out += "".join(f"; {_TOGETHER[j.name]} could not be compared: {j.message}" for j in hidden)
    moved = "".join(f"; {_TOGETHER[j.name]} drifted" for j in joint if j.drifted)
    if not compared and not moved:
        return "unknown", "columns-not-comparable", "none of the monitored columns could be compared" + left_out
    counted = f"{len(drifted)} of {len(compared)} columns drifted"
    named = counted + (f": {', '.join(drifted)}" if drifted else "") + moved + left_out
    if moved or (compared and len(drifted) / len(compared) >= drift_share):
        return "drift", "compared", named
    if hidden or (len(drifted) + len(aside)) / len(columns) >= drift_share:
        return "unknown", "columns-not-comparable", named
    return "no drift", "compared", named


_TOGETHER = {"embedding": "the embedding", "features": "what the columns say together"}
