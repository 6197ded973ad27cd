"""What a packer says about a model beside its reference, and the manifest that the two make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pilothouse.errors import PackageError
from pilothouse.manifest import ImageInput, Manifest, Monitoring, Output, RiskTier, TabularInput
from pilothouse.tasks import Task, task_named

LabelValues = Mapping[Any, Any] | None  # values of labels, and the class that each means
RiskTiers = Sequence[tuple[str, float]]  # a tier's name and the probability it begins at, rising from 0


def find_task(name: str) -> Task:
    """The task type of this name. Raises PackageError, which lists the known ones."""
    try:
        return task_named(name)
    except ValueError as error:
        raise PackageError(f"task: {error}") from None


def describe(
    spec: TabularInput | ImageInput,
    classes: tuple[str, ...] | None,
    *,
    target: str | None,
    unit: str | None,
    label_values: LabelValues,
    threshold: float,
    risk_tiers: RiskTiers,
    monitoring: Monitoring | Mapping[str, Any] | None,
    **fields: Any,
) -> Manifest:
    """The manifest without examples and files. Raises PackageError naming what is wrong."""
    named = {"target": target} if target else {}
    values: Any = label_values or None
    try:
        tiers = tuple(RiskTier(name=name, from_probability=floor) for name, floor in risk_tiers)
        output = Output(unit=unit, classes=classes, label_values=values, threshold=threshold, risk_tiers=tiers, **named)
        return Manifest(input=spec, output=output, monitoring=Monitoring.model_validate(monitoring or {}), **fields)
    except ValidationError as error:
        raise PackageError(f"the manifest would be wrong: {error}") from error
