"""What a window looks like beside the reference, as the drift service answers it: distributions, and embeddings."""

from __future__ import annotations

import msgspec


class Distribution(msgspec.Struct, frozen=True):
    """One column. `number`: `edges` (k + 1) and shares (k); `category`: `categories` and shares. `current` is None when
    the window has no such values. Quantiles are of the reference, by their probability ("0.05")."""

    name: str
    kind: str
    edges: list[float] = []
    categories: list[str] = []
    reference: list[float] = []
    current: list[float] | None = None
    reference_quantiles: dict[str, float] = {}
    unit: str | None = None
    missing_reference: float | None = None
    missing_current: float | None = None


class Distributions(msgspec.Struct, frozen=True):
    """`rows` is how many the window has."""

    rows: int = 0
    columns: list[Distribution] = []


class Plane(msgspec.Struct, frozen=True):
    """Embeddings on the reference's two widest principal components; `explained` are their shares of the variance."""

    reference: list[tuple[float, float]]
    current: list[tuple[float, float]]
    current_ids: list[str] = []
    explained: list[float] = []
    rows: int = 0
