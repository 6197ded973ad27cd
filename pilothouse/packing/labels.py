"""Ground truth of the reference: class names or finite numbers, whatever form they came in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pilothouse.errors import PackageError
from pilothouse.manifest import Task


def infer_classes(labels: pd.Series[Any], task: Task, given: Sequence[str] | None) -> tuple[str, ...] | None:
    """The classes in the order of the graph's columns: the given ones, a categorical's own, or the sorted labels."""
    if task == "regression":
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
    if task == "regression":
        return _numbers(labels)
    classes, labels = classes or (), _tidied(labels)
    texts = [str(v) for v in labels]
    if set(texts) <= set(classes):
        return texts
    if pd.api.types.is_integer_dtype(labels.dtype) or pd.api.types.is_bool_dtype(labels.dtype):
        return _positions([int(v) for v in labels], classes)
    strange = sorted(set(texts) - set(classes))
    raise PackageError(f"labels of the reference are not among the classes: {', '.join(strange[:5])}")


def _tidied(labels: pd.Series[Any]) -> pd.Series[Any]:
    """Class numbers that a CSV file or a missing neighbour made floats (0.0, 1.0) as the integers they are."""
    if not pd.api.types.is_float_dtype(labels.dtype):
        return labels
    present = labels.dropna()
    whole = np.isfinite(present).all() and (present == present.round()).all()
    return present.astype("int64") if whole else labels


def _numbers(labels: pd.Series[Any]) -> list[float]:
    try:
        values = labels.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise PackageError(f"the labels of a regression must be numbers: {error}") from error
    if not np.isfinite(values).all():
        raise PackageError("a label of the reference is infinite")
    return [float(v) for v in values]


def _positions(labels: list[int], classes: tuple[str, ...]) -> list[str]:
    strange = sorted({v for v in labels if not 0 <= v < len(classes)})
    if strange:
        shown = ", ".join(map(str, strange[:5]))
        raise PackageError(f"labels of the reference are neither classes nor positions of the {len(classes)}: {shown}")
    return [classes[v] for v in labels]
