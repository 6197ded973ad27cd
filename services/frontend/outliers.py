"""How unusual an input is: where each of its values lies among those that the model was trained on.

Far out is below the reference's 0.1% or above its 99.9% quantile, or a category that it hardly ever has. One in five
hundred values of the training data is. Each value is looked at alone: an odd combination of usual values is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from pilothouse.wire.distributions import Distribution
from services.frontend.formatting import percent, title, with_unit

Level = Literal["usual", "rare", "far"]
_LEVELS: tuple[Level, ...] = ("far", "rare", "usual")
DAYS = "days since 1970-01-01"
_FAR, _RARE = 0.001, 0.01
_DAY_SECONDS = 86_400
_NAMED = 3


@dataclass(frozen=True, slots=True)
class InputRank:
    """Where a value lies. `position` is the share of the reference below it; None for what has no order."""

    column: str
    value: str
    level: Level
    position: float | None
    sentence: str


def rank_inputs(values: Mapping[str, Any], columns: Iterable[Distribution]) -> list[InputRank]:
    """A rank for each column that the reference knows, the most unusual first."""
    found = [_rank(values.get(c.name), c) for c in columns if c.reference]
    return sorted(found, key=lambda rank: (_LEVELS.index(rank.level), -_distance(rank)))


def summary(found: Sequence[InputRank]) -> str:
    """One sentence for all."""
    far, rare = [p for p in found if p.level == "far"], [p for p in found if p.level == "rare"]
    if not far and not rare:
        return f"Nothing unusual: all {len(found)} inputs lie where the training data have theirs."
    if not far:
        return f"Nothing far out; {_counted(rare, found)} {'are' if len(rare) > 1 else 'is'} rare: {_listed(rare)}."
    verb = "lie" if len(far) > 1 else "lies"
    return f"{_counted(far, found)} {verb} outside of the training data: {_listed(far)}."


def _counted(some: Sequence[InputRank], found: Sequence[InputRank]) -> str:
    return f"{len(some)} of {len(found)} inputs"


def _listed(some: Sequence[InputRank]) -> str:
    named = [f"{title(p.column)} ({p.sentence})" for p in some[:_NAMED]]
    more = len(some) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _rank(value: Any, column: Distribution) -> InputRank:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _missing(column)
    if column.kind == "category":
        return _category(value, column)
    return _number(_days(value) if column.unit == DAYS else float(value), column)


def _number(value: float, column: Distribution) -> InputRank:
    said = _formatted(value, column)
    steps = sorted((float(p), q) for p, q in (column.reference_quantiles or {}).items())
    if not steps:
        return InputRank(column.name, said, "usual", None, "the reference has no quantiles")
    position = _position(value, steps)
    tail = 0.0 if value < steps[0][1] else 1.0 if value > steps[-1][1] else position
    level = _level(min(tail, 1 - tail))
    return InputRank(column.name, said, level, position, _where(value, tail, steps, column))


def _position(value: float, steps: Sequence[tuple[float, float]]) -> float:
    """The share of the reference below a value, by its quantiles; the middle of those that are the same."""
    same = [p for p, q in steps if q == value]
    if same:
        return (same[0] + same[-1]) / 2
    shares, quantiles = zip(*steps, strict=True)
    return float(np.interp(value, quantiles, shares, left=0.0, right=1.0))


def _where(value: float, tail: float, steps: Sequence[tuple[float, float]], column: Distribution) -> str:
    lowest, highest = (_formatted(steps[end][1], column) for end in (0, -1))
    if tail == 0.0:
        return f"below nearly all: 99.9% are at least {lowest}"
    if tail == 1.0:
        return f"above nearly all: 99.9% are at most {highest}"
    return f"above {percent(tail)} of the training data" if tail > 0 else "at the lower end"


def _category(value: Any, column: Distribution) -> InputRank:
    said = str(value).lower() if isinstance(value, bool) else str(value)
    shares = dict(zip(column.categories or (), column.reference, strict=False))
    share = shares.get(said, shares.get(said.capitalize(), 0.0))
    sentence = f"{percent(share)} of the training data" if share else "never in the training data"
    return InputRank(column.name, said, _level(share), None, sentence)


def _missing(column: Distribution) -> InputRank:
    share = column.missing_reference or 0.0
    sentence = f"missing in {percent(share)} of the training data" if share else "never missing in the training data"
    return InputRank(column.name, "missing", _level(share), None, sentence)


def _level(share: float) -> Level:
    return "far" if share < _FAR else "rare" if share < _RARE else "usual"


def _distance(rank: InputRank) -> float:
    return 0.0 if rank.position is None else abs(rank.position - 0.5)


def _formatted(value: float, column: Distribution) -> str:
    if column.unit == DAYS:
        return datetime.fromtimestamp(value * _DAY_SECONDS, UTC).date().isoformat()
    year_like = column.unit is None and value == int(value) and 1500 <= value <= 2500
    return str(int(value)) if year_like else with_unit(value, column.unit)


def _days(value: Any) -> float:
    parsed = datetime.fromisoformat(str(value))  # of a date, its midnight
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() / _DAY_SECONDS
