"""`pack_external`: an external model becomes a package by what it answered, without the model itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pilothouse.errors import PackageError
from pilothouse.manifest import ExternalFormat, Manifest, Monitoring, TabularInput
from pilothouse.package import CARD, REFERENCE, Package, fresh_folder, write_files
from pilothouse.packing.card import external_card
from pilothouse.packing.description import LabelValues, RiskTiers, describe, find_task
from pilothouse.packing.examples import as_features
from pilothouse.packing.features import Overrides, infer_features
from pilothouse.packing.sources import as_labels, infer_classes, read_table, require_rows, sample, validated
from pilothouse.reference import write_reference
from pilothouse.tasks import Task

_EXAMPLES = 4


def pack_external(
    *,
    name: str,
    task: str,
    reference: pd.DataFrame | Path | str,
    prediction: str = "prediction",
    probabilities: Mapping[str, str] | None = None,
    target: str | None = None,
    version: str = "1",
    into: Path | str = Path("models"),
    unit: str | None = None,
    description: str = "",
    features: Overrides | None = None,
    classes: Sequence[str] | None = None,
    label_values: LabelValues = None,
    threshold: float = 0.5,
    risk_tiers: RiskTiers = (),
    external_format: ExternalFormat | Mapping[str, Any] | None = None,
    monitoring: Monitoring | Mapping[str, Any] | None = None,
    card: str | None = None,
    rows: int = 5_000,
    overwrite: bool = False,
) -> Package:
    """Write the package `into/name/version` of a model that is served elsewhere, and return it.

    Arguments:
        name: lower case letters, digits and dashes.
        task: `regression`, `binary` or `multiclass`.
        reference: rows like those the model was fitted on, but that it was not fitted on: a DataFrame, or the path of
            a parquet or CSV file, with the features and what the model answered for them.
        prediction: the column of the predictions.
        probabilities: of a classifier, by class the column of its probability (0 to 1); may be left out.
        target: the column of the labels. Without it drift is watched, and performance only once labels come.
        version: letters, digits, dots, dashes and underscores.
        into: the folder of the packages.
        unit: of a predicted number, for people.
        description: what the model is for, for people.
        features: replaces what is inferred of features, by name: {"living_m2": {"unit": "m²", "maximum": 1000}}.
        classes: in the model's order; without them those of `probabilities`, or the sorted labels.
        label_values: other values that labels have, each with the class that it means: {1: "fraud", 0: "legit"}. Those
            of the reference are read by it too.
        threshold: the probability, 0 to 1, from which the positive class of a binary model is predicted.
        risk_tiers: names for that probability, each with the lowest: [("low", 0), ("high", 0.7)].
        external_format: how the model writes requests and answers, where it does not use the features' names and
            order.
        monitoring: how drift and performance are watched, see `pilothouse.manifest.Monitoring`.
        card: the text of MODEL_CARD.md.
        rows: at most so many rows of the reference are kept, the same ones every time.
        overwrite: whether a version that exists is replaced.

    Raises PackageError for what cannot be packed. Nothing is written then.
    """
    frame = reference if isinstance(reference, pd.DataFrame) else read_table(Path(reference))
    require_rows(frame)
    frame = frame.iloc[sample(len(frame), rows)]
    shares = dict(probabilities or {})
    answers = _Answers(
        frame, find_task(task), prediction, target, probabilities=shares, classes=classes, label_values=label_values
    )
    spec = TabularInput(features=infer_features(frame.drop(columns=list(answers.used)), features))
    manifest = describe(
        spec, answers.classes, name=name, version=version, task=task, description=description, runtime="external",
        target=target, unit=unit, label_values=label_values, threshold=threshold, risk_tiers=risk_tiers,
        external_format=external_format or None, monitoring=monitoring or answers.monitoring(spec),
    )  # fmt: skip
    return _write(manifest, validated(frame, spec), answers, card, into=Path(into), overwrite=overwrite)


class _Answers:
    """What the model answered for the reference, and the truth. Raises PackageError naming the column that is wrong."""

    def __init__(
        self,
        frame: pd.DataFrame,
        task: Task,
        prediction: str,
        target: str | None,
        *,
        probabilities: dict[str, str],
        classes: Sequence[str] | None,
        label_values: LabelValues,
    ) -> None:
        named = [prediction, *([target] if target else []), *probabilities.values()]
        absent = [n for n in named if n not in frame.columns]
        if absent:
            raise PackageError(
                f"the reference has no column {absent[0]!r}; it has {', '.join(map(str, frame.columns))}"
            )
        self.task, self.used = task, dict.fromkeys(named)
        answered = frame[prediction] if target is None else pd.concat([frame[prediction], frame[target]])
        self.classes = infer_classes(answered, task, classes or (list(probabilities) or None))
        self.prediction = _predictions(frame[prediction], task, self.classes)
        self.labels = None if target is None else as_labels(frame[target], task, self.classes, label_values)
        if set(probabilities) - set(self.classes or ()):
            raise PackageError(
                f"probabilities are of classes: {', '.join(self.classes or ()) or 'a regression has none'}"
            )
        self.probabilities = {c: _probabilities(frame[column]) for c, column in probabilities.items()}

    def monitoring(self, spec: TabularInput) -> dict[str, Any]:
        """What is watched by default: probabilities only where every class has them."""
        if len(self.probabilities) == len(self.classes or ()):
            return {}
        names = (*(f.name for f in spec.features), "prediction")
        metric = next(m.name for m in self.task.metrics if not m.needs_probabilities)
        return {"columns": [{"name": name} for name in names], "performance_metric": metric}

    def columns(self, manifest: Manifest) -> dict[str, list[Any]]:
        """The log's output columns; a probability that is not known is missing."""
        rows = len(self.prediction)
        found: dict[str, list[Any]] = {"prediction": self.prediction}
        for label, name in zip(self.classes or (), manifest.probability_columns, strict=True):
            found[name] = self.probabilities.get(label, [None] * rows)
        if manifest.output.risk_tiers:
            found["risk"] = [manifest.output.risk_of(p) for p in found[manifest.probability_columns[1]]]
        return found


def _write(
    manifest: Manifest, inputs: list[Any], answers: _Answers, card: str | None, *, into: Path, overwrite: bool
) -> Package:
    assert isinstance(manifest.input, TabularInput)
    columns: dict[str, list[Any]] = answers.columns(manifest)
    for place, feature in enumerate(manifest.input.features):
        columns[feature.name] = [row[place] for row in inputs]
    chosen = np.linspace(0, len(inputs) - 1, min(_EXAMPLES, len(inputs))).astype(int)
    examples = tuple(as_features(inputs[i], manifest.input) for i in chosen)
    with fresh_folder(into, manifest, overwrite=overwrite) as folder:
        write_reference(folder / REFERENCE, manifest, columns, answers.labels)
        (folder / CARD).write_text(card or external_card(manifest, len(inputs)), encoding="utf-8")
        complete = write_files(manifest.model_copy(update={"examples": examples}), folder)
    return Package(complete, into / manifest.name / manifest.version)


def _predictions(column: pd.Series[Any], task: Task, classes: tuple[str, ...] | None) -> list[Any]:
    try:
        return as_labels(column, task, classes)
    except PackageError as error:
        raise PackageError(f"column {column.name!r}, the predictions: {error}") from None


def _probabilities(column: pd.Series[Any]) -> list[float]:
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise PackageError(f"column {column.name!r}: probabilities are numbers from 0 to 1")
    return [float(v) for v in values]
