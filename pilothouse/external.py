"""How an external model (one that is served by something else) writes its requests and answers.

A manifest says it only where the model does not use the manifest's own names. Nothing is needed for a model that takes
objects with the features' names, or rows in the manifest's order, and answers values, class names, class positions or
probabilities. See docs/external-models.md.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pilothouse.inputs import ManifestPart


class ExternalFormat(ManifestPart):
    """The key `elsewhere` of a manifest, which keeps its name because it stands in stored manifests."""

    order: tuple[str, ...] | None = Field(
        None, description="the features in the order of rows that are lists, and of a matrix's columns; else as listed"
    )
    names: dict[str, str] = Field({}, description="features that have another name there: {living_m2: sqm}")
    prediction: str | None = Field(None, description="output tensor, or key of an object, with the prediction")
    probabilities: str | None = Field(None, description="output tensor, or key of an object, with the probabilities")
    answers: Literal["auto", "label", "index", "probability"] = Field(
        "auto",
        description="what a bare number of a classifier is: a class's name (label), its position (index), or the "
        "probability of the positive class. auto: the numbers of a binary model are probabilities when one of them is "
        "a fraction; else a number is the class of that name, or the one in that position",
    )

    def faults(self, features: tuple[str, ...], *, has_positive_class: bool) -> list[str]:
        """What does not fit a manifest with these input columns, one sentence each."""
        found = [f"elsewhere.names: {name!r} is not a feature" for name in self.names if name not in features]
        if self.order is not None and sorted(self.order) != sorted(features):
            found.append("elsewhere.order must name every feature once")
        theirs = [self.names.get(name, name) for name in features]
        if len(set(theirs)) != len(theirs):
            found.append("elsewhere.names: two features are called the same")
        if self.answers == "probability" and not has_positive_class:
            found.append("elsewhere.answers: one number is a probability only of a binary model")
        return found
