"""Ground truth of the reference, as pandas holds it: its classes, and what the log stores of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pilothouse.errors import PackageError
from pilothouse.tasks import Task


def infer_classes(labels: pd.Series[Any], task: Task, given: Sequence[str] | None) -> tuple[str, ...] | None:
    """The classes in the order of the graph's columns: the given ones, a categorical's own, or the sorted labels."""
    if not task.has_classes:
        return None
    labels = _tidied(labels)
    if given is not None:
        return tuple(str(c) for c in given)
    if isinstance(labels.dtype, pd.CategoricalDtype):
        return tuple(str(c) for c in labels.cat.categories)
    return tuple(str(c) for c in sorted(labels.dropna().unique()))


def as_labels(labels: pd.Series[Any], task: Task, classes: tuple[str, ...] | None) -> list[Any]:
    """Labels as the log stores them. Integers that are no class names are positions in `classes`.

    Raises PackageError for a missing label, for one that is no number, and for a class that is not among `classes`.
    """
    gone = int(labels.isna().sum())
    if gone:
        raise PackageError(f"{gone} of {len(labels)} labels of the reference are missing")
    return task.read_labels((_tidied(labels) if task.has_classes else labels).tolist(), classes or ())


def _tidied(labels: pd.Series[Any]) -> pd.Series[Any]:
    """Class numbers that a CSV file or a missing neighbour made floats (0.0, 1.0) as the integers they are."""
    if not pd.api.types.is_float_dtype(labels.dtype):
        return labels
    present = labels.dropna()
    whole = np.isfinite(present).all() and (present == present.round()).all()
    return present.astype("int64") if whole else labels
