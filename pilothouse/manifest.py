"""What a model package says of itself: `manifest.yaml` as one pydantic model.

Everything that must agree between training, serving, the log and drift is derived from this file: validation of
inputs, the order of the graph's tensors, the columns of the log's table, and the columns that drift is measured on.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import ConfigDict, Field, field_validator, model_validator

from pilothouse.columns import Column, model_columns
from pilothouse.errors import LabelError, ManifestError
from pilothouse.external import ExternalFormat
from pilothouse.inputs import RESERVED, STATISTICS, Feature, FeatureType, ImageInput, ManifestPart, TabularInput
from pilothouse.tasks import TaskName, task_of
from pilothouse.tasks.labels import read_label_values

__all__ = [
    "RESERVED", "STATISTICS", "DriftColumn", "ExternalFormat", "Feature", "FeatureType", "File", "ImageInput",
    "Manifest", "Monitoring", "Output", "RiskTier", "TabularInput",
]  # fmt: skip

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]


class RiskTier(ManifestPart):
    """A name for every probability of the positive class that is at least `from_probability`."""

    name: str = Field(min_length=1, max_length=40, description="what is answered and logged as `risk`")
    from_probability: float = Field(ge=0, le=1, description="the first tier begins at 0, and they rise")


class Output(ManifestPart):
    """What comes out: the classes, or the name and unit of the target."""

    target: str = Field(default="target", max_length=80, description="what is predicted, for people")
    unit: str | None = Field(None, description="of a number, such as EUR")
    classes: tuple[str, ...] | None = Field(
        None,
        description="in the order of the graph's columns; a binary model's second is the positive (rare) one",
    )
    label_values: dict[str, str] | None = Field(
        None,
        exclude_if=lambda values: values is None,  # an older service refuses a key that it does not know
        description="other values of labels that mean a class: {1: fraud, 0: legit}",
    )
    threshold: float = Field(default=0.5, ge=0, le=1, description="probability that makes the positive class predicted")
    risk_tiers: tuple[RiskTier, ...] = Field((), description="names for the positive class's probability; binary only")

    @field_validator("label_values", mode="before")
    @classmethod
    def _as_texts(cls, given: Any) -> Any:
        """YAML has numbers and booleans where a label has text."""
        if not isinstance(given, dict):
            return given
        try:
            return read_label_values(given)
        except LabelError as error:
            raise ValueError(str(error)) from None

    def risk_of(self, probability: float | None) -> str | None:
        """The name of the risk tier that a probability of the positive class lies in; None when it is not known."""
        if probability is None or not self.risk_tiers:
            return None
        reached = (tier.name for tier in reversed(self.risk_tiers) if probability >= tier.from_probability)
        return next(reached, self.risk_tiers[0].name)


class DriftColumn(ManifestPart):
    """A column that drift is measured on."""

    name: str = Field(description="a column of the log: an input, `prediction` or a probability")
    stattest: Literal["wasserstein", "jensenshannon"] | None = Field(
        None, description="Evidently's name of the method; wasserstein compares numbers; null chooses by the type"
    )
    threshold: float | None = Field(
        default=None, gt=0, description="score from which the column drifted; null is calibrated on the reference"
    )


class Monitoring(ManifestPart):
    """What the drift service does for this model."""

    columns: tuple[DriftColumn, ...] | None = Field(
        None, description="null: every input, the prediction and, of a binary model, the positive class's probability"
    )
    joint: bool = Field(
        True,
        description="also measure what moves together, an embedding or all columns; its drift is a verdict",
    )
    drift_share: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="share of drifted columns that makes the verdict drift; one of up to twenty",
    )
    window_rows: int = Field(default=1000, ge=30, le=100_000, description="how many of the newest rows are scored")
    minimum_rows: int = Field(default=100, ge=10, description="fewest rows that give an answer; not above window_rows")
    interval_seconds: float = Field(default=60, ge=5, description="how often the newest window is scored")
    performance_metric: str | None = Field(None, description="the metric that is watched; null: the task's own")
    performance_floor: float | None = Field(
        None, description="how bad the metric may be: the least value where more is better, else the greatest"
    )


class File(ManifestPart):
    """A file of the package, as it was packed."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="in hexadecimal")
    bytes: int = Field(ge=0, description="its size")


class Manifest(ManifestPart):
    """One model version: what it takes, what it gives, and how it is watched.

    Raises pydantic's ValidationError, with every fault, when its parts contradict each other.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    schema_version: Literal[1] = Field(1, description="of this format")
    name: Name = Field(description="lower case letters, digits and dashes, at most 40")
    version: Version = Field(description="letters, digits, dots, dashes and underscores, at most 32")
    task: TaskName = Field(description="the task type: what a prediction is")
    description: str = Field("", description="what the model is for, for people")
    runtime: Literal["onnx", "external"] = Field("onnx", description="external: served by something else, watched here")
    artifact: str | None = Field("model.onnx", description="the graph's file in the package; null of an external model")
    input: TabularInput | ImageInput = Field(discriminator="kind", description="what the model takes")
    output: Output = Field(description="what the model gives")
    monitoring: Monitoring = Field(Monitoring(), description="how it is watched")
    external_format: ExternalFormat | None = Field(
        None, alias="elsewhere", description="how an external model writes requests and answers; read by both names"
    )
    examples: tuple[dict[str, Any], ...] = Field((), description="inputs to try: features, or images by `file`")
    files: dict[str, File] = Field({}, description="every other file of the package")

    @model_validator(mode="before")
    @classmethod
    def _without_artifact(cls, given: Any) -> Any:
        """An external model has none, so nobody has to say so."""
        return {"artifact": None, **given} if isinstance(given, dict) and given.get("runtime") == "external" else given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        task, external = task_of(self), self.runtime == "external"
        faults = task.output_faults(self.output) or self._tier_faults()
        if bool(self.artifact) == external:
            faults.append(f"artifact: a model that is served {'elsewhere has none' if external else 'here needs one'}")
        if self.external_format:
            faults += self.external_format.faults(self.input_columns, has_positive_class=task.has_positive_class)
            faults += [] if external else ["elsewhere belongs to models with the runtime external"]
        if not faults:
            faults = [*self._performance_faults(), *self._window_faults(), *self._column_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _tier_faults(self) -> list[str]:
        starts = [tier.from_probability for tier in self.output.risk_tiers]
        wrong = starts and (starts[0] != 0 or starts != sorted(starts))
        return ["output.risk_tiers must begin at probability 0 and rise"] if wrong else []

    def _performance_faults(self) -> list[str]:
        name, task = self.monitoring.performance_metric, task_of(self)
        if name is not None and name not in task.metric_names:
            known = ", ".join(task.metric_names)
            return [f"monitoring.performance_metric: of a {self.task} model it is one of {known}"]
        has_best = name is not None and task.metric(name).higher_is_better is not None
        if self.monitoring.performance_floor is not None and not has_best:
            return ["monitoring.performance_floor needs a performance_metric that can be good or bad"]
        return []

    def _window_faults(self) -> list[str]:
        window, minimum = self.monitoring.window_rows, self.monitoring.minimum_rows
        if window >= minimum:
            return []
        return [
            f"monitoring.window_rows ({window}) is less than monitoring.minimum_rows ({minimum}, by default 100), so "
            f"that no window would ever be scored: set minimum_rows to {window} or less, or window_rows higher"
        ]

    def _column_faults(self) -> list[str]:
        kinds = {c.name: c.kind for c in model_columns(self)}
        faults = []
        for column in self.monitoring.columns or ():
            if column.name not in kinds or column.name in ("risk", "embedding"):
                faults.append(f"monitoring.columns: {column.name!r} is not a column of the log")
            elif column.stattest == "wasserstein" and kinds[column.name] in ("category", "boolean"):
                faults.append(f"monitoring.columns: wasserstein does not fit {column.name!r}: it compares numbers")
        return faults

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
        """`name/version`."""
        return f"{self.name}/{self.version}"

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read `manifest.yaml`. Raises ManifestError, with the path and every fault, when it is not a manifest."""
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
            raise ManifestError(path, str(error)) from error

    def write(self, path: Path) -> None:
        """Write `manifest.yaml`: every field but those that are null. Raises OSError."""
        body = self.model_dump(mode="json", exclude_none=True, exclude_defaults=False)
        path.write_text(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8")
