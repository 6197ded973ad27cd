"""What a model takes: the features of a table, or an image. Part of the manifest, see `pilothouse.manifest`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

FeatureType = Literal["number", "integer", "category", "boolean", "datetime"]

STATISTICS = (
    "brightness", "contrast", "sharpness", "noise", "ink_share", "edge_balance", "asymmetry", "saturation",
)  # fmt: skip
RESERVED = frozenset(
    {"id", "at", "model", "version", "prediction", "risk", "latency_ms", "source", "trace_id", "embedding", "label",
     "labelled_at", "level", "confidence"}
)  # fmt: skip

ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,47}$")]


class ManifestPart(BaseModel):
    """A part of a manifest: it cannot be changed, and a key that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Feature(ManifestPart):
    """One input of a tabular model. Values outside its range or categories are refused by the service."""

    name: ColumnName = Field(description="the key in requests, and the column of the log; no column of the log itself")
    type: FeatureType = Field(description="number (float64), integer (up to ±2^53), category, boolean or datetime")
    unit: str | None = Field(None, description="for people, such as m² or EUR")
    description: str = Field("", description="what it is, in a few words, for people")
    minimum: float | datetime | None = Field(None, description="least accepted value; of a datetime in ISO 8601")
    maximum: float | datetime | None = Field(None, description="greatest accepted value; of a datetime in ISO 8601")
    categories: tuple[str, ...] | None = Field(
        None, description="all that the graph knows, in the order of their codes; of the type category only"
    )
    required: bool = Field(True, description="whether a request without it, or with null, is refused")
    default: float | int | bool | str | None = Field(
        None, description="taken when a feature that is not required is absent; null is a missing value"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if fault := self._name_fault() or self._category_fault() or self._bounds_fault():
            raise ValueError(f"feature {self.name!r}: {fault}")
        if self.required and self.default is not None:
            raise ValueError(f"feature {self.name!r}: a required feature has no default")
        return self

    def _name_fault(self) -> str | None:
        lower = self.name.lower()
        taken = lower in RESERVED or lower.startswith("probability_")
        return "this name is a column of the log; rename the feature" if taken else None

    def _category_fault(self) -> str | None:
        if (self.type == "category") != bool(self.categories):
            return "`categories` belong to the type category, and it needs them"
        known = self.categories or ()
        if len(set(known)) != len(known):
            return "a category is listed twice"
        if known and self.default is not None and self.default not in known:
            return "its default is not one of its categories"
        return None

    def _bounds_fault(self) -> str | None:
        bounds = [b for b in (self.minimum, self.maximum) if b is not None]
        if bounds and self.type not in ("number", "integer", "datetime"):
            return f"a {self.type} has no minimum or maximum"
        if any(isinstance(b, datetime) != (self.type == "datetime") for b in bounds):
            return f"minimum and maximum do not fit the type {self.type}"
        if len(bounds) == 2 and bounds[0] > bounds[1]:  # type: ignore[operator]  # both are of one kind, see above
            return "minimum is above maximum"
        return None


class TabularInput(ManifestPart):
    """The graph takes `numbers` float32 (rows, numbers) and `categories` int64 (rows, categories), in this order.

    Numbers, integers, booleans (0/1) and datetimes (days since 1970-01-01 UTC) are numbers. A missing number is NaN,
    a missing category is -1. An input the model has no feature for is left out of the graph.
    """

    kind: Literal["tabular"] = Field("tabular", description="says that the model takes features")
    features: tuple[Feature, ...] = Field(min_length=1, description="in the order of the graph's tensors and the log")

    @property
    def tensor_names(self) -> tuple[str, ...]:
        """The graph's inputs, in the order a torch module takes them."""
        types = {"categories" if f.type == "category" else "numbers" for f in self.features}
        return tuple(name for name in ("numbers", "categories") if name in types)

    @field_validator("features")
    @classmethod
    def _unique(cls, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        names = [f.name.lower() for f in features]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"feature names must differ (case does not count): {', '.join(twice)}")
        return features


class ImageInput(ManifestPart):
    """The graph takes `image` uint8 (rows, height, width, channels); scaling and normalisation are inside it.

    The log has `statistics` of each image in place of features.
    """

    kind: Literal["image"] = Field("image", description="says that the model takes images")
    width: int = Field(ge=3, le=4096, description="pixels")
    height: int = Field(ge=3, le=4096, description="pixels")
    mode: Literal["L", "RGB"] = Field("L", description="L is grey, one channel; RGB is three")
    resize: bool = Field(False, description="whether an image of another size is resized; else it is refused")
    max_pixels: int = Field(default=16_000_000, ge=1, description="larger images are refused before they are decoded")
    normalisation: str = Field("", description="what the graph does to pixels, in words, for people")
    statistics: tuple[str, ...] = Field(STATISTICS[:7], description=f"what is logged: some of {', '.join(STATISTICS)}")
    embedding_size: int | None = Field(
        None, ge=1, le=4096, description="numbers in the graph's output `embedding`, which is logged; null without one"
    )

    @property
    def tensor_names(self) -> tuple[str, ...]:
        """The graph's inputs."""
        return ("image",)

    @field_validator("statistics")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(names) - set(STATISTICS))
        if unknown or len(set(names)) != len(names) or not names:
            raise ValueError(f"statistics must be some of {', '.join(STATISTICS)}, each once; got {', '.join(names)}")
        return names
