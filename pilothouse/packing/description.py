"""What a packer says about a model beside its reference, and the manifest that the two make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pilothouse.errors import PackageError
from pilothouse.manifest import ImageInput, Manifest, Monitoring, Output, RiskTier
from pilothouse.packing.sources import Material
from pilothouse.tasks import Task, task_named

ARTIFACT = "model.onnx"
RiskTiers = Sequence[tuple[str, float]]  # a tier's name and the probability it begins at, rising from 0


def find_task(name: str) -> Task:
    """The task type of this name. Raises PackageError, which lists the known ones."""
    try:
        return task_named(name)
    except ValueError as error:
        raise PackageError(f"task: {error}") from None


@dataclass(frozen=True, slots=True)
class Description:
    """What the caller of `pack` said about the model: what the manifest needs and the reference cannot tell."""

    name: str
    version: str
    task: Task
    description: str
    target: str | None
    unit: str | None
    threshold: float
    risk_tiers: RiskTiers
    monitoring: Monitoring | Mapping[str, Any] | None
    normalisation: str

    def manifest(self, material: Material, embedding_size: int | None) -> Manifest:
        """The manifest without examples and files. Raises PackageError naming what is wrong."""
        spec = material.spec
        if embedding_size is not None and not isinstance(spec, ImageInput):
            raise PackageError("embedding=True is for images: a table's features are logged as they are")
        if isinstance(spec, ImageInput):
            spec = spec.model_copy(update={"embedding_size": embedding_size, "normalisation": self.normalisation})
        try:
            return Manifest(
                name=self.name,
                version=self.version,
                task=self.task.name,
                description=self.description,
                artifact=ARTIFACT,
                input=spec,
                output=self._output(material.classes),
                monitoring=Monitoring.model_validate(self.monitoring or {}),
            )
        except ValidationError as error:
            raise PackageError(f"the manifest would be wrong: {error}") from error

    def _output(self, classes: tuple[str, ...] | None) -> Output:
        tiers = tuple(RiskTier(name=name, from_probability=floor) for name, floor in self.risk_tiers)
        named = {"target": self.target} if self.target else {}
        return Output(unit=self.unit, classes=classes, threshold=self.threshold, risk_tiers=tiers, **named)
