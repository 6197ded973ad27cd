"""What the inference service answers about its models and for a prediction.

The service writes predictions by types that it compiles from the manifest (`services.inference`), for speed; a test
holds the two together.
"""

from __future__ import annotations

from pydantic import BaseModel, Field


class ModelEntry(BaseModel):
    """A package that the inference service found. One that `failed` to load has a reason and no task."""

    name: str
    version: str
    task: str = ""
    state: str = Field("", description="active | shadow | loaded | external | failed")
    default: bool = False
    reason: str | None = None


class ModelList(BaseModel):
    """The answer of `GET /models`."""

    models: list[ModelEntry]


class Prediction(BaseModel):
    """One answer of a model. `logged` is whether the record was written down before the answer went out."""

    id: str
    model: str
    version: str
    prediction: float | str = Field(description="a number, or a class")
    probabilities: dict[str, float] | None = Field(None, description="by class; none for a regression")
    risk: str | None = None
    unit: str | None = None
    logged: bool = True
    latency_ms: float | None = None


class PredictionList(BaseModel):
    """Answers in the order given."""

    predictions: list[Prediction]
