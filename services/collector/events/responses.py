"""A response's rows as what the log keeps: prediction, probabilities, risk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pilothouse.external import ExternalFormat
from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from services.collector.errors import printable
from services.collector.events.outcomes import RefusedEventError
from services.collector.events.tensors import EventTensor, read_tensors

PREDICTIONS = ("prediction", "predictions", "predict", "label", "output_label", "class", "value")
PROBABILITIES = ("probabilities", "probability", "predict_proba", "output_probability", "scores")
_NAMELESS = {"id", "ids"}  # an output tensor that is neither


@dataclass(frozen=True, slots=True)
class RowOutput:
    """Of one row: the class or value, and the probabilities in the order of the classes, each None when not said."""

    prediction: Any
    probabilities: Any


class ResponseReader:
    """Reads responses of one model version."""

    def __init__(self, manifest: Manifest) -> None:
        self._output, self._task = manifest.output, task_of(manifest)
        self._classes = manifest.output.classes or ()
        self._format = manifest.external_format or ExternalFormat()
        self._predictions = (self._format.prediction,) if self._format.prediction else PREDICTIONS
        self._probabilities = (self._format.probabilities,) if self._format.probabilities else PROBABILITIES

    def rows(self, body: Any) -> list[list[Any]]:
        """The manifest's output columns of each row: prediction, probabilities, risk. Raises RefusedEventError."""
        if isinstance(body, dict) and isinstance(body.get("predictions"), list):
            outputs = [self._output_of(value) for value in body["predictions"]]
        elif isinstance(body, dict) and "outputs" in body:
            outputs = self._from_tensors(read_tensors(body["outputs"], "outputs"))
        else:
            raise RefusedEventError("shape", "a response has `predictions` (protocol V1) or `outputs` (V2)")
        if any(row.prediction is None and row.probabilities is None for row in outputs):
            raise RefusedEventError("prediction", "a row has no prediction")
        if not self._task.has_classes:
            return [[_single(row.prediction)] for row in outputs]
        fractions = any(_is_fraction(row.prediction) for row in outputs)
        return [self._columns(row, fractions) for row in outputs]

    def _output_of(self, value: Any) -> RowOutput:
        if isinstance(value, dict):
            prediction = _first(value, self._predictions)
            probabilities = _first(value, self._probabilities)
            if prediction is None and probabilities is None:
                raise RefusedEventError("prediction", "a prediction has neither of the keys that are looked for")
            return RowOutput(prediction, self._in_order(probabilities))
        if isinstance(value, list) and self._classes and len(value) == len(self._classes):
            return RowOutput(None, value)
        return RowOutput(value[0] if isinstance(value, list) and len(value) == 1 else value, None)

    def _in_order(self, probabilities: Any) -> Any:
        if isinstance(probabilities, dict):
            return [probabilities.get(name) for name in self._classes]
        return probabilities

    def _from_tensors(self, tensors: Sequence[EventTensor]) -> list[RowOutput]:
        tensors = [t for t in tensors if t.name not in _NAMELESS] or tensors
        if len(tensors) == 1:
            return [self._output_of(row) for row in tensors[0].rows]
        probabilities = _find(tensors, self._probabilities) or _with_width(tensors, len(self._classes))
        rest = [t for t in tensors if t is not probabilities]
        prediction = _find(rest, self._predictions) or _with_width(rest, 1)
        found = [t.rows for t in (prediction, probabilities) if t is not None]
        if not found or len({len(rows) for rows in found}) != 1:
            names = ", ".join(printable(t.name, 40) for t in tensors[:5])
            raise RefusedEventError("prediction", f"which of the outputs is the prediction? There are {names}")
        nothing = [None] * len(found[0])
        pairs = zip(prediction.rows if prediction else nothing, probabilities.rows if probabilities else nothing,
                    strict=True)  # fmt: skip
        return [RowOutput(p, q) for p, q in pairs]

    def _columns(self, row: RowOutput, fractions: bool) -> list[Any]:
        probabilities, prediction = row.probabilities, row.prediction
        if prediction is not None:
            prediction, positive = self._class(_single(prediction), fractions)
            if probabilities is None and positive is not None:
                probabilities = [1 - positive, positive]
        if probabilities is not None:
            probabilities = self._checked(probabilities)
            prediction = self._task.choose(probabilities, self._output) if prediction is None else prediction
        positive = probabilities[1] if probabilities else None
        risk = [self._output.risk_of(positive)] if self._output.risk_tiers else []
        return [prediction, *(probabilities or [None] * len(self._classes)), *risk]

    def _class(self, value: Any, fractions: bool) -> tuple[Any, float | None]:
        """The class that was said, and the positive class's probability where that is what was said."""
        if isinstance(value, str):
            return value, None
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise RefusedEventError("prediction", f"a class cannot be {printable(repr(value), 60)}")
        answers = self._format.answers
        if self._task.has_positive_class and (answers == "probability" or (answers == "auto" and fractions)):
            return self._task.choose(self._checked([1 - value, value]), self._output), float(value)
        name = str(int(value)) if float(value).is_integer() else str(value)
        if answers == "label" or (answers == "auto" and name in self._classes):
            return name, None
        if float(value).is_integer() and 0 <= value < len(self._classes):
            return self._classes[int(value)], None
        raise RefusedEventError("prediction", f"{name} is no position among {len(self._classes)} classes")

    def _checked(self, probabilities: Any) -> list[float]:
        if not isinstance(probabilities, list):
            probabilities = [probabilities]
        if not all(type(p) in (int, float) and 0 <= p <= 1 for p in probabilities):
            raise RefusedEventError("prediction", "probabilities are numbers from 0 to 1; these are not")
        if self._task.has_positive_class and len(probabilities) == 1:
            probabilities = [1 - probabilities[0], probabilities[0]]
        if len(probabilities) != len(self._classes):
            text = f"{len(probabilities)} probabilities for {len(self._classes)} classes"
            raise RefusedEventError("prediction", text)
        return [float(p) for p in probabilities]


def _single(value: Any) -> Any:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value


def _is_fraction(value: Any) -> bool:
    value = _single(value)
    return type(value) is float and math.isfinite(value) and not value.is_integer()


def _first(value: dict[str, Any], names: Sequence[str]) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)


def _find(tensors: Sequence[EventTensor], names: Sequence[str]) -> EventTensor | None:
    return next((t for name in names for t in tensors if t.name == name), None)


def _with_width(tensors: Sequence[EventTensor], width: int) -> EventTensor | None:
    return next((t for t in tensors if t.width == width), None)
