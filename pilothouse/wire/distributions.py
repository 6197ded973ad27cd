"""What a window looks like beside the reference: `/drift/distributions`, `/drift/embedding`."""

from __future__ import annotations

from pydantic import Field

from pilothouse.wire.drift import ColumnKind, VersionAnswer, WindowSpan, WireModel


class Distribution(WireModel):
    """One column. Shares are of the values there are and sum to 1; `current` is null when the window has no such
    column or no records. Numbers have `edges` and quantiles, categories have `categories`."""

    name: str
    kind: ColumnKind
    edges: list[float] | None = Field(
        None, description="one more than there are shares", exclude_if=lambda edges: edges is None
    )
    categories: list[str] | None = Field(
        None, description="(other) and (new) last", exclude_if=lambda categories: categories is None
    )
    reference: list[float]
    current: list[float] | None = None
    reference_quantiles: dict[str, float] | None = Field(
        None, description='by probability, such as "0.05"', exclude_if=lambda quantiles: quantiles is None
    )
    unit: str | None = Field(None, exclude_if=lambda unit: unit is None)
    missing_reference: float | None = None
    missing_current: float | None = None


class Distributions(VersionAnswer):
    """Of each column that was asked for, as far as the reference has it."""

    window: WindowSpan
    rows: int = Field(description="rows that were read: a sample of a large window")
    columns: tuple[Distribution, ...]


class Plane(VersionAnswer):
    """Embeddings on the reference's two widest principal components; `explained` are their shares of its variance."""

    window: WindowSpan
    rows: int = Field(description="points of `current`: a sample of a large window")
    reference: list[tuple[float, float]]
    current: list[tuple[float, float]]
    current_ids: list[str]
    explained: tuple[float, float]
