"""How a model that is served elsewhere speaks, where its requests and answers do not speak in the manifest's names.

Nothing of it is needed for a model that takes objects with the features' names, or rows in the manifest's order, and
answers values, class names, class positions or probabilities. See docs/models-served-elsewhere.md.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Elsewhere(BaseModel):
    """`order`: the features in the order of rows that are lists and of the columns of a matrix; None: the manifest's.

    `names`: what a feature is called there, for those that are called otherwise: {"living_m2": "sqm"}.
    `prediction` and `probabilities` name the output tensors, or the keys of a prediction that is an object.
    `answers` says what a bare number of a classifier is: a class's name (`label`), its position (`index`), or the
    probability of the positive class. `auto`: in an answer with a fraction in it the numbers of a binary model are
    probabilities; else a number is the class that is called so, or the one in that position.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: tuple[str, ...] | None = None
    names: dict[str, str] = {}
    prediction: str | None = None
    probabilities: str | None = None
    answers: Literal["auto", "label", "index", "probability"] = Field(default="auto")

    def faults(self, features: tuple[str, ...], *, has_positive_class: bool) -> list[str]:
        """What does not fit a manifest with these input columns."""
        found = [f"elsewhere.names: {name!r} is not a feature" for name in self.names if name not in features]
        if self.order is not None and sorted(self.order) != sorted(features):
            found.append("elsewhere.order must name every feature once")
        theirs = [self.names.get(name, name) for name in features]
        if len(set(theirs)) != len(theirs):
            found.append("elsewhere.names: two features are called the same")
        if self.answers == "probability" and not has_positive_class:
            found.append("elsewhere.answers: one number is a probability only of a binary model")
        return found
