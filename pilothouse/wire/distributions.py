"""Wire types of the two pictures."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from pilothouse.wire.drift import WindowSpan


class Distribution(BaseModel):
    """One column. Shares are of the values there are and sum to 1; `current` is null when the window has no such
    column or no records."""

    name: str
    kind: Literal["number", "category"]
    edges: list[float] | None = Field(None, description="of a number: one more than there are shares")
    categories: list[str] | None = Field(None, description="of a category, (other) and (new) last")
    reference: list[float]
    current: list[float] | None
    reference_quantiles: dict[str, float] | None = None
    unit: str | None = None
    missing_reference: float
    missing_current: float | None


class Distributions(BaseModel):
    model: str
    version: str
    window: WindowSpan
    rows: int = Field(description="rows that were read: a sample of a large window")
    columns: list[Distribution]


class Plane(BaseModel):
    """The reference's two widest principal components; `explained` are their shares of its variance."""

    model: str
    version: str
    window: WindowSpan
    rows: int = Field(description="points of `current`: a sample of a large window")
    reference: list[tuple[float, float]]
    current: list[tuple[float, float]]
    current_ids: list[str]
    explained: tuple[float, float]
