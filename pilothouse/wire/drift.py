"""What the drift service says of drift: `/drift`, `/drift/run`, and `/drift/history`, which the collector keeps."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ColumnKind = Literal["number", "category"]
Stattest = Literal["wasserstein", "jensenshannon"]
ColumnStatus = Literal["compared", "missing", "absent", "absent-from-reference"]
JointName = Literal["embedding", "features"]
JointStatus = Literal["compared", "missing", "absent", "absent-from-reference", "absent-from-records"]
DriftVerdict = Literal["drift", "no drift", "unknown"]
DriftReason = Literal[
    "compared",
    "no-records",
    "too-few-rows",
    "columns-not-comparable",
    "reference-missing",
    "reference-damaged",
    "collector-away",
]


class WireModel(BaseModel):
    """What every answer and its parts are made of: filled by its fields' names, written with their aliases.

    Readers ignore keys that they do not know. Fields that an older stored answer may lack have defaults.
    """

    model_config = ConfigDict(
        frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True, protected_namespaces=()
    )


class OtherVersion(WireModel):
    """Another version of the model that the inference service has loaded: it shadows, or answers who asks for it."""

    version: str
    state: str = Field("", description="active | shadow | loaded")
    drift: str | None = Field(None, description="its own newest drift verdict, null where there is none")


class VersionAnswer(WireModel):
    """What is said of one version of a model. The reason and the other versions are as of the answer, and not kept."""

    model: str
    version: str
    version_reason: str = Field(
        "", description='why it is this version, such as "it answers"', exclude_if=lambda reason: not reason
    )
    beside: tuple[OtherVersion, ...] = Field((), exclude_if=lambda beside: not beside)


class WindowSpan(WireModel):
    """The records that were read. `start` and `end` are the times of the first and the last one, ISO 8601."""

    start: str | None = Field(None, alias="from")
    end: str | None = Field(None, alias="to")
    rows: int = Field(0, description="how many the window holds; more than were compared where it was sampled")


class ColumnDrift(WireModel):
    """One monitored column. Shares are of the window's rows, 0 to 1."""

    name: str
    kind: ColumnKind = "number"
    stattest: Stattest = Field("wasserstein", description="Evidently's name of the method")
    status: ColumnStatus = Field(
        "compared", description="by its values, or by what is `missing` of them; absent ones were not compared"
    )
    score: float | None = Field(None, description="higher is more drift; null where the column was not compared")
    threshold: float | None = Field(None, description="calibrated on this reference for this many rows")
    alone_threshold: float | None = Field(None, description="score from which one column makes the verdict drift")
    drifted: bool | None = None
    message: str | None = Field(None, description="what a person should know of this column")
    missing_share: float | None = None
    missing_share_reference: float | None = None
    new_category_share: float | None = None
    out_of_range_share: float | None = Field(None, description="beyond the reference's 0.1% and 99.9% quantiles")
    unusable_share: float | None = Field(None, description="given, but of a wrong type or not finite")

    @property
    def excess(self) -> float:
        """How many thresholds away: 1 is just drifted. 0 where there is no score."""
        return (self.score or 0.0) / self.threshold if self.threshold else 0.0


class JointDrift(WireModel):
    """Drift of many columns, or of an embedding's numbers, at once, which no column alone may show.

    `absent`: this model has nothing of the kind. `absent-from-records` makes the verdict unknown unless there is drift
    anyway.
    """

    name: JointName
    stattest: Literal["mmd", "pca_reconstruction"] = "pca_reconstruction"
    status: JointStatus = Field("compared", description="by its values, or by what is `missing` of the embeddings")
    score: float | None = Field(None, description="higher is more drift; null where it was not compared")
    threshold: float | None = Field(None, description="calibrated on this reference for this many rows")
    drifted: bool | None = None
    message: str | None = None
    rows: int = Field(0, description="rows that were compared; of embeddings, a sample of 1,000 at most")


class DriftAnswer(VersionAnswer):
    """The verdict on a window. `unknown` is never an all-clear: `reason` and `message` say why there is none."""

    verdict: DriftVerdict
    reason: str = ""
    message: str = ""
    stale: bool = Field(False, description="true while the collector is away: the verdict is an old one")
    drift_share: float | None = Field(None, description="share of the compared columns that drifted")
    drift_share_limit: float | None = Field(None, description="share at which the verdict is drift")
    drifted_columns: tuple[str, ...] = ()
    alone_columns: tuple[str, ...] = Field((), description="too few for the limit, but so far that it is drift")
    columns: tuple[ColumnDrift, ...] = ()
    joint: tuple[JointDrift, ...] = Field((), description="drift of several things at once; it makes the verdict drift")
    rows: int = Field(0, description="rows that were compared")
    window: WindowSpan = WindowSpan()
    reference_rows: int | None = None
    newest: str | None = Field(None, description="id of the newest record when the window was read")
    at: str | None = Field(None, description="when the window was compared, ISO 8601")


class DriftRuns(WireModel):
    """Earlier answers, newest first."""

    drift_runs: tuple[DriftAnswer, ...]
    next: int | None = Field(None, description="cursor of the following page; null at the end")


class ReportState(WireModel):
    """A report that is still being made: ask at `location` again."""

    id: str
    status: Literal["in progress"] = "in progress"
    location: str
    retry_after_seconds: int
