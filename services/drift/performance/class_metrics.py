"""Metrics of a classification, for certain and for uncertain truth at once.

`truth` (rows, classes) is how likely each class is: 0 and 1 where labels have come, calibrated probabilities where
they have not. Every metric is a function of sums that are linear in it, so that its expectation is the same formula
(for F1 and the areas: the ratio of expectations, as in CBPE). `weights` (draws, rows) are how often each row counts;
a `truth` (draws, rows, classes) is another one for each draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.drift.arrow import Floats

LEAST_PROBABILITY = float(np.finfo(np.float64).eps)  # as scikit-learn clips for the logarithm
NEEDS_SCORES = frozenset({"roc_auc", "pr_auc", "log_loss", "brier"})


@dataclass(frozen=True)
class ClassPredictions:
    """Predictions, and what is derived from them once however often they are weighed."""

    codes: NDArray[np.intp]
    scores: Floats | None
    classes: int
    positive: bool

    def take(self, rows: NDArray[np.intp]) -> ClassPredictions:
        scores = None if self.scores is None else self.scores[rows]
        return replace(self, codes=self.codes[rows], scores=scores)

    @cached_property
    def ranked(self) -> tuple[tuple[int, NDArray[np.intp], NDArray[np.intp]], ...]:
        """For each class that has an area of its own: the rows by falling score, and where each tie begins."""
        if self.scores is None:
            return ()
        wanted = (1,) if self.positive else range(self.classes)
        return tuple((k, *_rank(self.scores[:, k])) for k in wanted)

    @cached_property
    def rows_by_class(self) -> tuple[NDArray[np.intp], ...]:
        return tuple(np.flatnonzero(self.codes == k) for k in range(self.classes))


def one_hot(codes: NDArray[np.intp], classes: int) -> Floats:
    return np.eye(classes)[codes]


def evaluate(names: Sequence[str], predicted: ClassPredictions, truth: Floats, weights: Floats) -> Mapping[str, Floats]:
    """Each metric of each draw, (draws,); NaN where it is not defined."""
    total = weights.sum(axis=1)
    found: dict[str, Floats] = {}
    if {"accuracy", "f1"} & set(names):
        counts = confusion(predicted, truth, weights)
        found["accuracy"] = np.trace(counts, axis1=1, axis2=2) / total
        found["f1"] = _f1(counts, predicted.positive)
    if predicted.scores is not None:
        found |= _of_scores(names, predicted, predicted.scores, truth, weights)
    undefined = np.full(len(weights), np.nan)
    return {name: found.get(name, undefined) for name in names}


def confusion(predicted: ClassPredictions, truth: Floats, weights: Floats) -> Floats:
    """Rows by class, (draws, true class, predicted class): expected ones where the truth is uncertain."""
    many = truth.ndim == 3
    by_predicted = [
        np.einsum("dr,drk->dk", weights[:, rows], truth[:, rows]) if many else weights[:, rows] @ truth[rows]
        for rows in predicted.rows_by_class
    ]
    return np.stack(by_predicted, axis=2)


def _of_scores(
    names: Sequence[str], predicted: ClassPredictions, scores: Floats, truth: Floats, weights: Floats
) -> dict[str, Floats]:
    total = weights.sum(axis=1)
    found: dict[str, Floats] = {}
    if "log_loss" in names:
        surprise = -(truth * np.log(np.maximum(scores, LEAST_PROBABILITY))).sum(axis=-1)
        found["log_loss"] = _total(weights, surprise) / total
    if "brier" in names:
        square = scores**2 - 2 * scores * truth + truth
        found["brier"] = _total(weights, square[..., 1] if predicted.positive else square.sum(axis=-1)) / total
    if {"roc_auc", "pr_auc"} & set(names):
        areas = [_areas(truth[..., k], weights, order, starts) for k, order, starts in predicted.ranked]
        found["roc_auc"], found["pr_auc"] = (_mean_of_defined(np.stack(each)) for each in zip(*areas, strict=True))
    return found


def _total(weights: Floats, values: Floats) -> Floats:
    """Weighted sums (draws,) of values (rows,) or (draws, rows)."""
    return weights @ values if values.ndim == 1 else (weights * values).sum(axis=1)


def _f1(counts: Floats, positive: bool) -> Floats:
    """Of the positive class, or the mean over the classes that were predicted or true at all."""
    hits: Floats = np.diagonal(counts, axis1=1, axis2=2)
    either = counts.sum(axis=1) + counts.sum(axis=2)
    each = np.divide(2 * hits, either, out=np.full_like(hits, np.nan), where=either > 0)
    of_positive: Floats = each[:, 1]
    return of_positive if positive else _mean_of_defined(each.T)


def _rank(scores: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return order, starts


def _areas(truth: Floats, weights: Floats, order: NDArray[np.intp], starts: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Area under the ROC curve (Mann-Whitney, ties count half) and average precision, (draws,) each."""
    ordered, came = weights[:, order], truth[..., order]
    hits = np.add.reduceat(ordered * came, starts, axis=1)
    misses = np.add.reduceat(ordered * (1 - came), starts, axis=1)
    hits_before, misses_before = np.cumsum(hits, axis=1), np.cumsum(misses, axis=1)
    positives, negatives = hits_before[:, -1], misses_before[:, -1]
    below = negatives[:, None] - misses_before + misses / 2
    precision = hits_before / np.maximum(hits_before + misses_before, 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        roc = (hits * below).sum(axis=1) / (positives * negatives)
        average = (hits * precision).sum(axis=1) / positives
    both = (positives > 0) & (negatives > 0)
    return np.where(both, roc, np.nan), np.where(both, average, np.nan)


def _mean_of_defined(values: Floats) -> Floats:
    """Mean over the first axis of what is not NaN; NaN where nothing is."""
    there = ~np.isnan(values)
    count = there.sum(axis=0)
    total = np.where(there, values, 0.0).sum(axis=0)
    mean: Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def why_undefined(name: str, predicted: ClassPredictions, truth: Floats) -> str | None:
    """In words, why a metric is not defined, or of fewer classes than there are; None when there is nothing to say."""
    if name in NEEDS_SCORES and predicted.scores is None:
        return "the records have no probabilities"
    if name == "f1" and predicted.positive:
        seen = truth[:, 1].sum() > 0 or (predicted.codes == 1).any()
        return None if seen else "the positive class was neither predicted nor true"
    if name not in ("roc_auc", "pr_auc"):
        return None
    there = int((truth.sum(axis=0) > 0).sum())
    if there < 2:
        return "all labels are of one class"
    return None if there == predicted.classes else f"mean over the {there} of {predicted.classes} classes that occur"
