"""Values with intervals of rows whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.drift.performance import classification, regression
from services.drift.performance.bootstrap import DRAWS, draws_for, once, resamples
from services.drift.performance.classification import Predicted, one_hot
from services.drift.performance.metric import Value, bounded
from services.drift.performance.outcomes import Amounts, Classes, Outcomes

Floats = NDArray[np.float64]
Evaluate = Callable[[Floats], Mapping[str, Floats]]


def measure(outcomes: Outcomes, names: Sequence[str], draws: int = DRAWS) -> dict[str, Value]:
    """The metrics of labelled rows, which all have a label, with bootstrap intervals; `draws` 0 gives none."""
    if isinstance(outcomes, Amounts):
        return _measure_amounts(outcomes, names, draws)
    return _measure_classes(outcomes, names, draws)


def _measure_classes(outcomes: Classes, names: Sequence[str], draws: int) -> dict[str, Value]:
    predicted = Predicted.of(outcomes)
    draws = draws_for(len(outcomes.names), draws)
    truth = one_hot(outcomes.truth, len(outcomes.names))
    why = {name: classification.why_undefined(name, predicted, truth) for name in names}

    def evaluate(weights: Floats) -> Mapping[str, Floats]:
        return classification.evaluate(names, predicted, truth, weights)

    return _with_intervals(evaluate, len(truth), why, draws)


def _measure_amounts(outcomes: Amounts, names: Sequence[str], draws: int) -> dict[str, Value]:
    why = {name: regression.why_undefined(name, outcomes.truth) for name in names}

    def evaluate(weights: Floats) -> Mapping[str, Floats]:
        return regression.evaluate(names, outcomes.predicted, outcomes.truth, weights)

    return _with_intervals(evaluate, len(outcomes.truth), why, draws)


def _with_intervals(evaluate: Evaluate, rows: int, why: Mapping[str, str | None], draws: int) -> dict[str, Value]:
    values = evaluate(once(rows))
    drawn = [evaluate(weights) for weights in resamples(rows, draws)] if draws else []
    none = np.empty(0)
    return {
        name: bounded(name, float(values[name][0]), np.concatenate([none, *(d[name] for d in drawn)]), said)
        for name, said in why.items()
    }
