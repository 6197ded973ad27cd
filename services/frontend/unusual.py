"""How unusual an input is: where each of its values lies among those that the model was trained on.

Far out is below the reference's 0.1% or above its 99.9% quantile, or a category it hardly ever has: of a usual row's
values, one in five hundred. Each value is looked at alone; an odd combination of usual values is not seen here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from services.frontend.shapes import Distribution
from services.frontend.text import number, percent, pretty_unit, title

Level = Literal["usual", "rare", "far"]
DAYS = "days since 1970-01-01"
_FAR, _RARE = 0.001, 0.01
_DAY_SECONDS = 86_400
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lies. `position` is the share of the reference below it; None for what has no order."""

    column: str
    value: str
    level: Level
    position: float | None
    sentence: str


def places(values: Mapping[str, Any], columns: Iterable[Distribution]) -> list[Place]:
    """A place for each column that there is something to compare with, the most unusual first."""
    found = [_place(values.get(c.name), c) for c in columns if c.reference]
    order = {"far": 0, "rare": 1, "usual": 2}
    return sorted(found, key=lambda p: (order[p.level], -_distance(p)))


def summary(found: Sequence[Place]) -> str:
    """One sentence for all."""
    far, rare = [p for p in found if p.level == "far"], [p for p in found if p.level == "rare"]
    if not far and not rare:
        return f"Nothing unusual: all {len(found)} inputs lie where the training data have theirs."
    if not far:
        return f"Nothing far out; {_counted(rare, found)} {'are' if len(rare) > 1 else 'is'} rare: {_listed(rare)}."
    verb = "lie" if len(far) > 1 else "lies"
    return f"{_counted(far, found)} {verb} outside of the training data: {_listed(far)}."


def _counted(some: Sequence[Place], found: Sequence[Place]) -> str:
    return f"{len(some)} of {len(found)} inputs"


def _listed(some: Sequence[Place]) -> str:
    named = [f"{title(p.column)} ({p.sentence})" for p in some[:_NAMED]]
    more = len(some) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _place(value: Any, column: Distribution) -> Place:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _missing(column)
    if column.kind == "category":
        return _category(value, column)
    moment = column.unit == DAYS
    said = _moment(value).date().isoformat() if moment else _with_unit(float(value), column.unit)
    return _number(_days(value) if moment else float(value), said, column)


def _number(value: float, said: str, column: Distribution) -> Place:
    steps = sorted((float(p), q) for p, q in column.reference_quantiles.items())
    if not steps:
        return Place(column.name, said, "usual", None, "the reference has no quantiles")
    position = _position(value, steps)
    tail = 0.0 if value < steps[0][1] else 1.0 if value > steps[-1][1] else position
    level = _level(min(tail, 1 - tail))
    return Place(column.name, said, level, position, _where(value, tail, steps, column))


def _position(value: float, steps: Sequence[tuple[float, float]]) -> float:
    """The share of the reference below a value, by its quantiles; the middle of those that are the same."""
    same = [p for p, q in steps if q == value]
    if same:
        return (same[0] + same[-1]) / 2
    low = max(((p, q) for p, q in steps if q < value), default=None)
    high = min(((p, q) for p, q in steps if q > value), default=None)
    if low is None or high is None:
        return 0.0 if low is None else 1.0
    return low[0] + (high[0] - low[0]) * (value - low[1]) / (high[1] - low[1])


def _where(value: float, tail: float, steps: Sequence[tuple[float, float]], column: Distribution) -> str:
    lowest, highest = (_bound(steps[end][1], column) for end in (0, -1))
    if tail == 0.0:
        return f"below nearly all: 99.9% are at least {lowest}"
    if tail == 1.0:
        return f"above nearly all: 99.9% are at most {highest}"
    return f"above {percent(tail)} of the training data" if tail > 0 else "at the lower end"


def _category(value: Any, column: Distribution) -> Place:
    said = str(value).lower() if isinstance(value, bool) else str(value)
    shares = dict(zip(column.categories, column.reference, strict=False))
    share = shares.get(said, shares.get(said.capitalize(), 0.0))
    sentence = f"{percent(share)} of the training data" if share else "never in the training data"
    return Place(column.name, said, _level(share), None, sentence)


def _missing(column: Distribution) -> Place:
    share = column.missing_reference or 0.0
    sentence = f"missing in {percent(share)} of the training data" if share else "never missing in the training data"
    return Place(column.name, "missing", _level(share), None, sentence)


def _level(share: float) -> Level:
    return "far" if share < _FAR else "rare" if share < _RARE else "usual"


def _distance(place: Place) -> float:
    return 0.0 if place.position is None else abs(place.position - 0.5)


def _bound(value: float, column: Distribution) -> str:
    if column.unit == DAYS:
        return datetime.fromtimestamp(value * _DAY_SECONDS, UTC).date().isoformat()
    return _with_unit(value, column.unit)


def _with_unit(value: float, unit: str | None) -> str:
    year_like = unit is None and value == int(value) and 1500 <= value <= 2500
    said = str(int(value)) if year_like else number(value)
    return f"{said} {pretty_unit(unit)}" if unit else said


def _days(value: Any) -> float:
    return _moment(value).timestamp() / _DAY_SECONDS


def _moment(value: Any) -> datetime:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    parsed = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
