"""What a model package says of itself: `manifest.yaml` as one pydantic model.

Everything that must agree between training, serving, the log and drift is derived from this file: validation of
inputs, the order of the graph's tensors, the columns of the log's table, and the columns that drift is measured on.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pilothouse.columns import Column
from pilothouse.elsewhere import Elsewhere
from pilothouse.errors import ManifestError
from pilothouse.tasks import TaskName, task_of

FeatureType = Literal["number", "integer", "category", "boolean", "datetime"]

STATISTICS = (
    "brightness", "contrast", "sharpness", "noise", "ink_share", "edge_balance", "asymmetry", "saturation",
)  # fmt: skip
RESERVED = frozenset(
    {"id", "at", "model", "version", "prediction", "risk", "latency_ms", "source", "trace_id", "embedding", "label",
     "labelled_at", "level", "confidence"}
)  # fmt: skip

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,47}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Feature(_Part):
    """One input of a tabular model.

    `minimum` and `maximum` are inclusive and are what the service accepts (a `datetime`'s are ISO 8601 strings);
    `categories` are all that the graph knows, in the order of their codes.
    A feature that is not `required` takes `default` when it is absent; a default of None is a missing value.
    """

    name: ColumnName
    type: FeatureType
    unit: str | None = None
    description: str = ""
    minimum: float | datetime | None = None
    maximum: float | datetime | None = None
    categories: tuple[str, ...] | None = None
    required: bool = True
    default: float | int | bool | str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name.lower() in RESERVED or self.name.lower().startswith("probability_"):
            raise ValueError(f"feature {self.name!r}: this name is a column of the log; rename the feature")
        if (self.type == "category") != bool(self.categories):
            raise ValueError(f"feature {self.name!r}: `categories` belong to the type category, and it needs them")
        if self.categories and len(set(self.categories)) != len(self.categories):
            raise ValueError(f"feature {self.name!r}: a category is listed twice")
        bounds = [b for b in (self.minimum, self.maximum) if b is not None]
        if bounds and self.type not in ("number", "integer", "datetime"):
            raise ValueError(f"feature {self.name!r}: a {self.type} has no minimum or maximum")
        if any(isinstance(b, datetime) != (self.type == "datetime") for b in bounds):
            raise ValueError(f"feature {self.name!r}: minimum and maximum do not fit the type {self.type}")
        if len(bounds) == 2 and bounds[0] > bounds[1]:  # type: ignore[operator]  # both are of one kind, see above
            raise ValueError(f"feature {self.name!r}: minimum is above maximum")
        if self.required and self.default is not None:
            raise ValueError(f"feature {self.name!r}: a required feature has no default")
        if self.categories and self.default is not None and self.default not in self.categories:
            raise ValueError(f"feature {self.name!r}: its default is not one of its categories")
        return self


class TabularInput(_Part):
    """The graph takes `numbers` float32 (rows, numbers) and `categories` int64 (rows, categories), in this order.

    Numbers, integers, booleans (0/1) and datetimes (days since 1970-01-01 UTC) are numbers; a missing number is NaN,
    a missing category is -1. An input the model has no feature for is left out of the graph.
    """

    kind: Literal["tabular"] = "tabular"
    features: tuple[Feature, ...] = Field(min_length=1)

    @field_validator("features")
    @classmethod
    def _unique(cls, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        names = [f.name.lower() for f in features]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"feature names must differ (case does not count): {', '.join(twice)}")
        return features


class ImageInput(_Part):
    """The graph takes `image` uint8 (rows, height, width, channels); scaling and normalisation are inside it.

    `resize`: whether an image of another size is resized (else refused). `normalisation` says what the graph does,
    for people. `statistics` are logged for each image, in place of features.
    """

    kind: Literal["image"] = "image"
    width: int = Field(ge=3, le=4096)
    height: int = Field(ge=3, le=4096)
    mode: Literal["L", "RGB"] = "L"
    resize: bool = False
    max_pixels: int = Field(default=16_000_000, ge=1, description="larger images are refused before they are decoded")
    normalisation: str = ""
    statistics: tuple[str, ...] = STATISTICS[:7]
    embedding_size: int | None = Field(default=None, ge=1, le=4096)

    @field_validator("statistics")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(names) - set(STATISTICS))
        if unknown or len(set(names)) != len(names) or not names:
            raise ValueError(f"statistics must be some of {', '.join(STATISTICS)}, each once; got {', '.join(names)}")
        return names


class RiskTier(_Part):
    """A name for every probability of the positive class that is at least `from_probability`."""

    name: str = Field(min_length=1, max_length=40)
    from_probability: float = Field(ge=0, le=1)


class Output(_Part):
    """What comes out: the classes, or the name and unit of the target.

    Binary models have two classes, the second is the positive one; it is predicted when its probability reaches
    `threshold`, and `risk_tiers` are read against it. The positive class is the rare or dangerous one.
    """

    target: str = Field(default="target", max_length=80)
    unit: str | None = None
    classes: tuple[str, ...] | None = None
    threshold: float = Field(default=0.5, ge=0, le=1)
    risk_tiers: tuple[RiskTier, ...] = ()

    def risk_of(self, probability: float | None) -> str | None:
        """The name of the risk tier that a probability of the positive class lies in; None when it is not known."""
        if probability is None or not self.risk_tiers:
            return None
        reached = (tier.name for tier in reversed(self.risk_tiers) if probability >= tier.from_probability)
        return next(reached, self.risk_tiers[0].name)


class DriftColumn(_Part):
    """A column that drift is measured on, with the method and the threshold where they are not the default ones."""

    name: str
    stattest: Literal["wasserstein", "jensenshannon"] | None = None
    threshold: float | None = Field(default=None, gt=0)


class Monitoring(_Part):
    """What the drift service does for this model.

    `columns`: None means every feature (or statistic), the prediction and, of a binary model, the positive class's
    probability. The verdict is drift when at least `drift_share` of the columns drifted; by default one of up to
    twenty is enough, because thresholds are calibrated on the verdict. `joint`: drift is also measured on what moves
    together, the embedding of an image model or the columns of another, and makes the verdict drift. `window_rows`
    is the newest rows that are scored, `minimum_rows` the fewest that give an answer, no more than these.
    `performance_metric` is one of the task's, and `performance_floor` how bad it may be: the least value
    of a metric of which more is better, else the greatest.
    """

    columns: tuple[DriftColumn, ...] | None = None
    joint: bool = True
    drift_share: float = Field(default=0.05, gt=0, le=1)
    window_rows: int = Field(default=1000, ge=30, le=100_000)
    minimum_rows: int = Field(default=100, ge=10)
    interval_seconds: float = Field(default=60, ge=5)
    performance_metric: str | None = None
    performance_floor: float | None = None


class File(_Part):
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Manifest(_Part):
    """One model version: what it takes, what it gives, and how it is watched."""

    schema_version: Literal[1] = 1
    name: Name
    version: Version
    task: TaskName
    description: str = ""
    runtime: Literal["onnx", "external"] = "onnx"
    artifact: str | None = "model.onnx"
    input: Annotated[TabularInput | ImageInput, Field(discriminator="kind")]
    output: Output
    monitoring: Monitoring = Monitoring()
    elsewhere: Elsewhere | None = None
    examples: tuple[dict[str, Any], ...] = ()
    files: dict[str, File] = {}

    @model_validator(mode="before")
    @classmethod
    def _without_artifact(cls, given: Any) -> Any:
        """A model that is served elsewhere has none, so nobody has to say so."""
        return {"artifact": None, **given} if isinstance(given, dict) and given.get("runtime") == "external" else given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if faults := task_of(self).output_faults(self.output):
            raise ValueError("; ".join(faults))
        tiers = self.output.risk_tiers
        if tiers and (tiers[0].from_probability != 0 or list(tiers) != sorted(tiers, key=lambda t: t.from_probability)):
            raise ValueError("output.risk_tiers must begin at probability 0 and rise")
        if self.runtime != "external" and not self.artifact:
            raise ValueError("artifact: a model that is served here needs one")
        if self.runtime == "external" and self.artifact:
            raise ValueError("artifact: a model that is served elsewhere has none")
        if self.elsewhere:
            faults = self.elsewhere.faults(self.input_columns, has_positive_class=task_of(self).has_positive_class)
            faults += [] if self.runtime == "external" else ["elsewhere belongs to models with the runtime external"]
            if faults:
                raise ValueError("; ".join(faults))
        self._check_monitoring()
        return self

    def _check_monitoring(self) -> None:
        metric, task = self.monitoring.performance_metric, task_of(self)
        if metric is not None and metric not in task.metric_names:
            known = ", ".join(task.metric_names)
            raise ValueError(f"monitoring.performance_metric: of a {self.task} model it is one of {known}")
        has_best = metric is not None and task.metric(metric).higher_is_better is not None
        if self.monitoring.performance_floor is not None and not has_best:
            raise ValueError("monitoring.performance_floor needs a performance_metric that can be good or bad")
        if self.monitoring.window_rows < self.monitoring.minimum_rows:
            raise ValueError(
                f"monitoring.window_rows ({self.monitoring.window_rows}) is less than monitoring.minimum_rows "
                f"({self.monitoring.minimum_rows}, by default 100), so that no window would ever be scored: set "
                f"minimum_rows to {self.monitoring.window_rows} or less, or window_rows higher"
            )
        columns = {*self.input_columns, "prediction", *self.probability_columns}
        for column in self.monitoring.columns or ():
            if column.name not in columns:
                raise ValueError(f"monitoring.columns: {column.name!r} is not a column of the log")
            if column.stattest == "wasserstein" and self._is_category(column.name):
                raise ValueError(f"monitoring.columns: wasserstein does not fit {column.name!r}: it compares numbers")

    def _is_category(self, name: str) -> bool:
        if name == "prediction":
            return task_of(self).has_classes
        features = () if isinstance(self.input, ImageInput) else self.input.features
        return any(f.name == name and f.type in ("category", "boolean") for f in features)

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Names of the logged inputs: the features, or the image statistics."""
        if isinstance(self.input, ImageInput):
            return self.input.statistics
        return tuple(f.name for f in self.input.features)

    @property
    def probability_columns(self) -> tuple[str, ...]:
        """One column name for each class, in the order of the classes: `probability_` and the class as a slug."""
        names: list[str] = []
        for position, label in enumerate(self.output.classes or ()):
            slug = "probability_" + (re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:36] or str(position))
            names.append(f"{slug}_{position}" if slug in names else slug)
        return tuple(names)

    @property
    def output_columns(self) -> tuple[Column, ...]:
        """The logged outputs: prediction, probabilities, risk."""
        return task_of(self).columns(self)

    @property
    def monitored_columns(self) -> tuple[DriftColumn, ...]:
        """The columns that drift is measured on, the default filled in.

        Not the probabilities of many classes: they say ten times what the prediction says once, and a model is surer
        of the images it was trained on than of new ones of the same kind.
        """
        if self.monitoring.columns is not None:
            return self.monitoring.columns
        positive = self.probability_columns[1:] if task_of(self).has_positive_class else ()
        names = (*self.input_columns, "prediction", *positive)
        return tuple(DriftColumn(name=n) for n in names)

    @property
    def key(self) -> str:
        return f"{self.name}/{self.version}"

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read `manifest.yaml`. Raises ManifestError, with the path and every fault, when it is not a manifest."""
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
            raise ManifestError(path, str(error)) from error

    def write(self, path: Path) -> None:
        body = self.model_dump(mode="json", exclude_none=True, exclude_defaults=False)
        path.write_text(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8")
