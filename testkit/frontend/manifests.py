"""Manifests with every kind of field, for the tests of the page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pilothouse.manifest import Feature, ImageInput, Manifest, Output, RiskTier, TabularInput

FEATURES = (
    Feature(name="sale_date", type="datetime", description="Day of the sale", minimum=datetime(1993, 1, 1),
            maximum=datetime(1999, 12, 31)),
    Feature(name="year_built", type="integer", minimum=1800, maximum=1998),
    Feature(name="living_m2", type="number", unit="m2", minimum=20, maximum=800, description="Living area."),
    Feature(name="garage", type="category", categories=("none", "attached", "detached")),
    Feature(name="corner", type="boolean"),
    Feature(name="renovated", type="boolean", required=False),
    Feature(name="lot_m2", type="number", unit="m2", required=False, description="Land; *often* missing"),
)  # fmt: skip
EXAMPLE: dict[str, Any] = {
    "sale_date": "1995-06-01", "year_built": 1948, "living_m2": 130.5, "garage": "attached", "corner": False,
    "lot_m2": 612.0,
}  # fmt: skip


def houses(**changes: Any) -> Manifest:
    """A regression over every type of feature, with one example."""
    values: dict[str, Any] = {
        "name": "houses", "version": "1", "task": "regression", "input": TabularInput(features=FEATURES),
        "output": Output(target="price_per_m2", unit="USD/m2"), "examples": (EXAMPLE,),
        "description": "Price of a house.",
    }  # fmt: skip
    return Manifest(**(values | changes))


def pneumonia() -> Manifest:
    """A binary image model with risk tiers."""
    tiers = (RiskTier(name="low", from_probability=0), RiskTier(name="medium", from_probability=0.3),
             RiskTier(name="high", from_probability=0.7))  # fmt: skip
    return Manifest(
        name="pneumonia", version="2", task="binary", input=ImageInput(width=28, height=28, resize=True),
        output=Output(target="finding", classes=("normal", "pneumonia"), risk_tiers=tiers),
        examples=({"file": "examples/chest.png"},),
    )  # fmt: skip
