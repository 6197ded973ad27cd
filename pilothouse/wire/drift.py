"""What /drift answers, for people and /docs; `run.Run.as_wire` fills it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class ColumnDrift(BaseModel):
    """One monitored column. Shares are of the window's rows."""

    name: str
    kind: Literal["number", "category"]
    stattest: str = Field(description="Evidently's name of the method")
    status: str = Field(description="compared | missing (compared by what is missing) | absent | absent-from-reference")
    score: float | None = Field(description="higher is more drift; null where the column was not compared")
    threshold: float | None = Field(description="calibrated on this reference for this many rows")
    drifted: bool | None
    message: str | None = Field(description="what a person should know of this column")
    missing_share: float | None
    missing_share_reference: float | None
    new_category_share: float | None
    out_of_range_share: float | None = Field(description="beyond the reference's 0.1% and 99.9% quantiles")
    unusable_share: float | None = Field(description="given, but of a wrong type or not finite")


class JointDrift(BaseModel):
    """What moved together. `absent`: this model has none to compare; `absent-from-records` makes the verdict unknown
    unless there is drift anyway."""

    name: Literal["embedding", "features"]
    stattest: Literal["mmd", "pca_reconstruction"]
    status: str = Field(
        description="compared | missing (by what is missing) | absent | absent-from-reference | absent-from-records"
    )
    score: float | None = Field(description="higher is more drift; null where it was not compared")
    threshold: float | None = Field(description="calibrated on this reference for this many rows")
    drifted: bool | None
    message: str | None
    rows: int = Field(description="rows that were compared; of embeddings, a sample of 1,000 at most")


class WindowSpan(BaseModel):
    """`from` and `to` are the times of the first and the last record; `rows` is how many the window holds."""

    start: str | None = Field(alias="from")
    end: str | None = Field(alias="to")
    rows: int


class DriftAnswer(BaseModel):
    """The verdict on a window. `unknown` is never an all-clear: `reason` and `message` say why there is none."""

    model: str
    version: str
    verdict: Literal["drift", "no drift", "unknown"]
    reason: str
    message: str
    stale: bool = Field(description="true while the collector is away: the verdict is an old one")
    drift_share: float | None = Field(description="share of the compared columns that drifted")
    drift_share_limit: float | None = Field(description="share at which the verdict is drift")
    drifted_columns: list[str]
    columns: list[ColumnDrift]
    joint: list[JointDrift] = Field(description="what moved together; drift of it makes the verdict drift")
    rows: int = Field(description="rows that were compared")
    window: WindowSpan
    reference_rows: int | None
    newest: str | None = Field(description="id of the newest record when the window was read")
    at: str


class ReportState(BaseModel):
    """A report that is still being made: ask at `location` again."""

    id: str
    status: Literal["in progress"]
    location: str
    retry_after_seconds: int


class Reply(BaseModel):
    """How a report is to be answered."""

    format: Literal["html", "json"] = Field("html", description="the page, or the same as strict JSON")
    wait: float = Field(0, ge=0, le=300, description="seconds to wait for the report")
