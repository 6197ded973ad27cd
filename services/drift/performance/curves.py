"""What a person looks at besides numbers: the confusion matrix, the errors' histogram, the reliability curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from services.drift.performance.outcomes import Amounts, Classes

BINS = 10
MOST_CLASSES = 30  # a larger matrix cannot be read
_RESIDUAL_BINS = 24
_EXTREMES = (0.005, 0.995)
_LEAST_SPREAD = 1e-6  # of the errors' size: below it the bins would be narrower than a float of that size can tell
_LEAST_WIDTH = 1e-300  # likewise where the errors are next to nothing


def confusion(outcomes: Classes) -> dict[str, Any] | None:
    """`counts[true][predicted]` of labelled rows; None for more classes than a person can read."""
    classes = len(outcomes.names)
    if classes > MOST_CLASSES:
        return None
    cells = np.bincount(outcomes.truth * classes + outcomes.predicted, minlength=classes * classes)
    return {"classes": list(outcomes.names), "counts": cells.reshape(classes, classes).tolist()}


def residuals(outcomes: Amounts) -> dict[str, Any] | None:
    """Histogram of prediction less truth; errors beyond the 0.5% quantiles are in the outermost bins."""
    errors = outcomes.predicted - outcomes.truth
    if not len(errors):
        return None
    low, high = np.quantile(errors, _EXTREMES)
    low, high = _apart(float(low), float(high))
    counts, edges = np.histogram(np.clip(errors, low, high), _RESIDUAL_BINS, (low, high))
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _apart(low: float, high: float) -> tuple[float, float]:
    """Ends that bins fit between: errors that are all the same, or as good as the same for their size, get a middle."""
    size = max(abs(low), abs(high))
    if high - low > max(size * _LEAST_SPREAD, _LEAST_WIDTH):
        return low, high
    margin = max(0.5, size * _LEAST_SPREAD)
    return low - margin, high + margin


def reliability(outcomes: Classes) -> list[dict[str, Any]] | None:
    """How often what was said with some probability was true, in bins of equal rows.

    Of a binary model the probability of the positive class; of several classes that of the predicted one. Rows with
    the same probability stay together.
    """
    if outcomes.scores is None or not len(outcomes.truth):
        return None
    if outcomes.positive:
        said, came = outcomes.scores[:, 1], outcomes.truth == 1
    else:
        said, came = outcomes.scores.max(axis=1), outcomes.truth == outcomes.scores.argmax(axis=1)
    edges = np.unique(np.quantile(said, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, said, "right")
    return [
        {"predicted": float(said[at].mean()), "observed": float(came[at].mean()), "rows": int(at.sum())}
        for at in (bins == b for b in np.unique(bins))
    ]
