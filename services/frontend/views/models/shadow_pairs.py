"""A shadow version beside the one that answers: pairs of predictions for the same request, and how they differ.

A shadow's records carry the trace of the request that they shadow. The ids of one request's rows have no order, so
rows are told apart by their inputs, which both versions log. Rows with the same inputs have the same answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

COLUMNS = ("id", "prediction", "trace_id", "source")
SOURCE = "shadow"


@dataclass(frozen=True, slots=True)
class ShadowComparison:
    """What came of `pairs` (active, shadow, label).

    Of a model with classes, `agreement` is the share of equal answers. Of another one, `difference` is the mean of
    shadow minus active, and `distance` the mean of its absolute value. `active_good` and `shadow_good` are accuracy, or
    mean absolute error, over the `labelled` pairs.
    """

    pairs: pd.DataFrame
    labelled: int
    agreement: float | None = None
    difference: float | None = None
    distance: float | None = None
    active_good: float | None = None
    shadow_good: float | None = None


def pair(
    active: Iterable[Mapping[str, Any]], shadow: Iterable[Mapping[str, Any]], inputs: Sequence[str] = ()
) -> pd.DataFrame:
    """Records of both versions as pairs: id (of the active one), active, shadow, label, in the order of time. `inputs`
    are the columns that both have; without any, only requests of one row can be paired."""
    left = _grouped((r for r in active if r.get("source") != SOURCE), inputs)
    right = _grouped((r for r in shadow if r.get("source") == SOURCE), inputs)
    rows = [
        (mine["id"], mine["prediction"], other["prediction"], mine.get("label"))
        for key, others in right.items()
        if inputs or len(left.get(key, ())) == len(others) == 1
        for mine, other in zip(left.get(key, ()), others, strict=False)
    ]
    return pd.DataFrame(rows, columns=["id", "active", "shadow", "label"]).sort_values("id", ignore_index=True)


def compare(pairs: pd.DataFrame, *, has_classes: bool) -> ShadowComparison:
    """Figures over the pairs; None where there is nothing to compute them of."""
    known = pairs[pairs["label"].notna()]
    if pairs.empty:
        return ShadowComparison(pairs, 0)
    if has_classes:
        active, shadow = (_mean(known[side] == known["label"]) for side in ("active", "shadow"))
        agreement = float((pairs["active"] == pairs["shadow"]).mean())
        return ShadowComparison(pairs, len(known), agreement, active_good=active, shadow_good=shadow)
    gap = pairs["shadow"].astype(float) - pairs["active"].astype(float)
    truth = known["label"].astype(float)
    active, shadow = (_mean((known[side].astype(float) - truth).abs()) for side in ("active", "shadow"))
    difference, distance = float(gap.mean()), float(gap.abs().mean())
    return ShadowComparison(pairs, len(known), None, difference, distance, active, shadow)


def disagreements(pairs: pd.DataFrame) -> pd.DataFrame:
    """How often which answer stood against which other one, the commonest first."""
    other = pairs[pairs["active"] != pairs["shadow"]]
    counted = other.groupby(["active", "shadow"]).size().reset_index(name="times")
    return counted.sort_values("times", ascending=False, ignore_index=True)


def _grouped(records: Iterable[Mapping[str, Any]], inputs: Sequence[str]) -> dict[Any, list[Mapping[str, Any]]]:
    """Records by their trace and inputs. Those without a trace cannot be paired."""
    found: dict[Any, list[Mapping[str, Any]]] = {}
    for record in records:
        if record.get("trace_id"):
            key = (record["trace_id"], tuple(record.get(name) for name in inputs))
            found.setdefault(key, []).append(record)
    return found


def _mean(values: pd.Series) -> float | None:
    return None if values.empty else float(values.mean())
