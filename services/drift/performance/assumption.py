"""Whether the reference can speak for a window: what CBPE and DLE assume, and cannot see for themselves.

Both reason from rows of the reference to rows like them. Every pair of columns (inputs and the prediction, numbers in
twelve bands of the reference) is a table of cells; rows of the window in a cell where the reference has none are
unlike anything it knows in that pair. Pairs, because single columns hide most: a house in the west is known, one in
the south, but not one in the south-west; a bright picture is known, but not a bright trouser.

How many such rows are to be expected without any drift is the share of the reference's rows that are alone in their
cell (Good 1953, doi:10.1093/biomet/40.3-4.237, the mass of the unseen). Only what is beyond that, and beyond three
standard errors of a window so small, counts.

Of a column's categories the 200 commonest have cells of their own, the others of the reference share theirs: a table of
names by names would be as large as the square of them. A name that occurs once is alone wherever it is counted.

Of a classification the check also looks how far the mix of predictions has moved (total variation, less what chance
moves): pictures upside down look like others in every statistic, but not in what the model makes of them. And a
column that varies in the reference but takes one value, or one band, in all of the window is stuck.

Limits: see `docs/model-performance.md`, where they are measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.columns import Column, model_columns
from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from services.drift.arrow import read_names, read_numbers
from services.drift.performance.intervals import Indices
from services.drift.performance.tasks import performance_of
from services.drift.reference.profiles import CATEGORY_KINDS

BANDS = 12
EXTREMES = (0.001, 0.999)
MOST_COLUMNS = 40  # pairs grow with the square
MOST_CATEGORIES = 200  # and their cells with the square of these
STANDARD_ERRORS = 3.0
MOVED_LIMIT = 0.13
STUCK_SHARE, STUCK_CHANCE = 0.9, 0.001
Mask = NDArray[np.bool_]
_MISSING = 0
_NEW = 1
_RARE = 2  # of categories alone


@dataclass(frozen=True)
class AssumptionResult:
    """`unfamiliar` is the share of rows that are unlike the reference in `pair`, the least familiar of all pairs.

    `moved` is the share of predictions that went to other classes, `stuck` a column that has become constant.
    """

    unfamiliar: float
    unfamiliar_limit: float
    moved: float
    pair: tuple[str, str] | None
    stuck: str | None

    @property
    def broken(self) -> bool:
        return self.stuck is not None or self.unfamiliar > self.unfamiliar_limit or self.moved > MOVED_LIMIT

    @property
    def message(self) -> str:
        parts = []
        if self.pair and self.unfamiliar > self.unfamiliar_limit:
            pair = " with ".join(self.pair)
            parts.append(f"{self.unfamiliar:.0%} of the rows are unlike any of the reference in {pair}")
        if self.moved > MOVED_LIMIT:
            parts.append(f"{self.moved:.0%} of the predictions moved to other classes")
        if self.stuck:
            parts.append(f"{self.stuck} is the same in all rows")
        return " and ".join(parts)


class AssumptionCheck:
    """Made from the reference once; `check` is made of each window."""

    def __init__(self, manifest: Manifest, reference: pa.Table) -> None:
        self._limit = performance_of(manifest).unfamiliar_limit
        self._coders = {c.name: _coder(c, reference.column(c.name)) for c in _columns(manifest, reference)}
        codes = {name: coder.codes(reference.column(name)) for name, coder in self._coders.items()}
        self._single = {name: _shares(each, self._coders[name].size) for name, each in codes.items()}
        self._rows = reference.num_rows
        alone = {name: coder.alone(reference.column(name)) for name, coder in self._coders.items()}
        self._alone = {name: float(each.mean()) if len(each) else 0.0 for name, each in alone.items()}
        self._tables = {pair: self._count(codes, alone, pair) for pair in combinations(self._coders, 2)}
        self._mix = self._single["prediction"] if task_of(manifest).has_classes else None

    def check(self, window: pa.Table) -> AssumptionResult:
        """`window` has at least one row; columns that it has not are left out."""
        codes = {n: c.codes(window.column(n)) for n, c in self._coders.items() if n in window.column_names}
        share, pair = 0.0, None
        for names, table in self._tables.items():
            if set(names) <= codes.keys():
                beyond = self._unfamiliar(codes, names, table, window.num_rows)
                if beyond > share:
                    share, pair = beyond, names
        moved = self._moved(codes, window.num_rows)
        return AssumptionResult(share, self._limit, moved, pair, self._stuck(codes))

    def _count(self, codes: Mapping[str, Indices], alone: Mapping[str, Mask], pair: tuple[str, str]) -> _PairTable:
        sizes = [self._coders[name].size for name in pair]
        cells = codes[pair[0]] * sizes[1] + codes[pair[1]]
        counts = np.bincount(cells, minlength=sizes[0] * sizes[1])
        once = int(((counts[cells] == 1) | alone[pair[0]] | alone[pair[1]]).sum())
        return _PairTable(counts > 0, max(once, 1) / max(self._rows, 1))

    def _unfamiliar(self, codes: Mapping[str, Indices], pair: tuple[str, str], table: _PairTable, rows: int) -> float:
        """The share of rows in empty cells, less what is to be expected and what chance may add."""
        cells = codes[pair[0]] * self._coders[pair[1]].size + codes[pair[1]]
        unseen, expected = float((~table.known[cells]).mean()), table.expected
        chance = STANDARD_ERRORS * float(np.sqrt(expected * (1 - expected) / rows))
        return unseen - expected if unseen > expected + chance else 0.0

    def _stuck(self, codes: Mapping[str, Indices]) -> str | None:
        """A column with one code in all rows, where the reference makes that next to impossible."""
        for name, each in codes.items():
            if (each == each[0]).all() and not self._coders[name].shared(each[0]):
                share = self._alone[name] if each[0] == _NEW else float(self._single[name][each[0]])
                if share < STUCK_SHARE and share ** len(each) < STUCK_CHANCE:
                    return name
        return None

    def _moved(self, codes: Mapping[str, Indices], rows: int) -> float:
        """Total variation between the mixes of predictions, less its expectation when nothing has changed."""
        if self._mix is None or "prediction" not in codes:
            return 0.0
        now = _shares(codes["prediction"], len(self._mix))
        noise = np.sqrt(2 / np.pi * self._mix * (1 - self._mix) * (1 / rows + 1 / self._rows)).sum() / 2
        return max(float(np.abs(now - self._mix).sum() / 2 - noise), 0.0)


@dataclass(frozen=True)
class _PairTable:
    """Which cells of a pair the reference has rows in, and the share of rows that chance alone puts in others."""

    known: Mask
    expected: float


@dataclass(frozen=True)
class _Coder:
    """Values to codes: bands of a number, or categories; what is missing, and what the reference has not, are codes
    of their own. `singles` are the rare categories that the reference has once."""

    edges: NDArray[np.float64] | None
    codes_of: Mapping[str, int]
    singles: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        return 3 + min(len(self.codes_of), MOST_CATEGORIES) if self.edges is None else 3 + len(self.edges)

    def shared(self, code: int) -> bool:
        """Whether different values have this code."""
        return self.edges is None and code == _RARE

    def alone(self, column: pa.ChunkedArray) -> Mask:
        """Rows (rows,) whose value no other row has, though its code is shared."""
        if not self.singles:
            return np.zeros(len(column), dtype=np.bool_)
        return np.array([n in self.singles for n in read_names(column)], dtype=np.bool_)

    def codes(self, column: pa.ChunkedArray) -> Indices:
        if self.edges is None:
            return np.array([self.codes_of.get(n, _NEW) for n in read_names(column)], dtype=np.intp)
        values = read_numbers(column).values
        bands = 2 + np.searchsorted(self.edges, values, "right")
        return np.where(np.isnan(values), _MISSING, bands).astype(np.intp)


def _columns(manifest: Manifest, reference: pa.Table) -> list[Column]:
    """Inputs and the prediction, without dates: every day is new, and nothing is wrong with that."""
    wanted = [c for c in model_columns(manifest) if c.role in ("input", "prediction") and c.name != "risk"]
    there = [c for c in wanted if c.kind != "datetime" and c.name in reference.column_names]
    prediction = [c for c in there if c.role == "prediction"]
    return [c for c in there if c.role == "input"][: MOST_COLUMNS - 1] + prediction


def _coder(column: Column, values: pa.ChunkedArray) -> _Coder:
    if column.kind in CATEGORY_KINDS:
        return _categories(read_names(values))
    numbers = read_numbers(values).values
    present = numbers[~np.isnan(numbers)]
    if not len(present):
        return _Coder(np.empty(0), {})
    cuts = np.concatenate(([EXTREMES[0]], np.arange(1, BANDS) / BANDS, [EXTREMES[1]]))
    return _Coder(np.unique(np.quantile(present, cuts)), {})


def _categories(names: Sequence[str]) -> _Coder:
    counts = Counter(names)
    by_count = sorted(counts, key=lambda name: (-counts[name], name))
    codes_of = dict.fromkeys(by_count, _RARE) | {n: _RARE + 1 + i for i, n in enumerate(by_count[:MOST_CATEGORIES])}
    return _Coder(None, codes_of, frozenset(n for n in by_count[MOST_CATEGORIES:] if counts[n] == 1))


def _shares(codes: Indices, size: int) -> NDArray[np.float64]:
    return np.bincount(codes, minlength=size) / max(len(codes), 1)
