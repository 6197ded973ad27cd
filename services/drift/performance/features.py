"""Rows as a matrix that trees can split: what the model was given and what it predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.columns import model_columns
from pilothouse.manifest import Manifest
from services.drift.values import read_names, read_numbers

Matrix = NDArray[np.float32]
MOST_CATEGORIES = 20  # of one column; the rest count as none of these
_LARGEST = float(np.finfo(np.float32).max)
_CATEGORIES = frozenset({"category", "boolean", "text"})


@dataclass(frozen=True)
class Encoding:
    """Columns of the matrix: numbers (a missing one is the reference's median, with a flag beside it where the
    reference misses some), and a flag for each of the commonest categories."""

    numbers: Sequence[tuple[str, float, bool]]
    categories: Sequence[tuple[str, Sequence[str]]]

    @classmethod
    def of(cls, manifest: Manifest, reference: pa.Table) -> Encoding:
        """By the inputs and the prediction that the reference has."""
        wanted = [c for c in model_columns(manifest) if c.role in ("input", "prediction") and c.name != "risk"]
        there = [c for c in wanted if c.name in reference.column_names]
        numbers, categories = [], []
        for column in there:
            if column.kind in _CATEGORIES:
                counted = Counter(read_names(reference.column(column.name)))
                categories.append((column.name, sorted(n for n, _ in counted.most_common(MOST_CATEGORIES))))
                continue
            values = read_numbers(reference.column(column.name)).values
            missing = np.isnan(values)
            median = 0.0 if missing.all() else float(np.median(values[~missing]))
            numbers.append((column.name, median, bool(missing.any())))
        return cls(numbers, categories)

    @property
    def names(self) -> list[str]:
        return [n for n, _, _ in self.numbers] + [n for n, _ in self.categories]

    def matrix(self, table: pa.Table) -> Matrix:
        """(rows, features); `table` has every one of `names`."""
        columns: list[NDArray[np.float32]] = []
        for name, median, flagged in self.numbers:
            values = read_numbers(table.column(name)).values
            missing = np.isnan(values)
            columns.append(np.clip(np.where(missing, median, values), -_LARGEST, _LARGEST).astype(np.float32))
            if flagged:
                columns.append(missing.astype(np.float32))
        for name, kept in self.categories:
            names = np.array(read_names(table.column(name)), dtype=object)
            columns += [(names == each).astype(np.float32) for each in kept]
        return np.stack(columns, axis=1)
