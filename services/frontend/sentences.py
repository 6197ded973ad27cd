"""What the figures say, in a sentence. Nothing here draws or asks a service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pilothouse.wire.drift import ColumnDrift, DriftAnswer, JointDrift
from pilothouse.wire.models import ModelStats
from services.frontend.formatting import TIMES, ago, number, parse_time, percent, title, with_unit

Tone = Literal["good", "warn", "bad", "quiet"]
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Headline:
    """`pill` in two words, `sentence` in one; plain text, to be escaped where Markdown is meant."""

    tone: Tone
    pill: str
    sentence: str


def drift_headline(drift: DriftAnswer) -> Headline:
    """What moved, and how many of how many columns; or why there is no verdict."""
    moved, scored = drifted(drift), [c for c in drift.columns if c.score is not None]
    if drift.verdict == "drift":
        return Headline("bad", "Drift", _what_moved(drift, moved, scored))
    if drift.verdict == "no drift" and moved:
        return Headline("warn", "No drift", f"{_counted(moved, scored)}, too few to call it drift: {_listed(moved)}.")
    if drift.verdict == "no drift":
        return Headline("good", "No drift", f"None of {len(scored)} columns moved away from the reference.")
    said = (drift.message or drift.reason or "there is no answer yet").rstrip(".")
    return Headline("quiet", "No verdict", f"{said[:1].upper()}{said[1:]}.")


def _what_moved(drift: DriftAnswer, moved: Sequence[ColumnDrift], scored: Sequence[ColumnDrift]) -> str:
    together = [joint(j) for j in drift.joint if j.drifted]
    if not moved and together:
        return f"No column drifted by itself. {'. '.join(together)}."
    said = f"{_counted(moved, scored)}: {_listed(moved)}."
    if alone := [c for c in moved if c.name in drift.alone_columns]:
        said = f"Drift in {_listed(alone)}: far enough by itself, though only {_counted(moved, scored)}."
    return f"{said} {'. '.join(together)}." if together else said


def joint(found: JointDrift) -> str:
    """What moved together, in words."""
    what = "the embeddings" if found.name == "embedding" else "the features together"
    if found.score is None or found.threshold is None:
        return f"{what}: {found.message or 'not compared'}".capitalize()
    ratio = f"{found.score / found.threshold:.1f}{TIMES} the" if found.threshold > 0 else "beyond the"
    return f"{what} {'moved' if found.drifted else 'did not move'} ({ratio} threshold)".capitalize()


def drifted(drift: DriftAnswer) -> list[ColumnDrift]:
    """The columns that moved, the furthest beyond its threshold first."""
    return sorted((c for c in drift.columns if c.drifted), key=lambda c: c.excess, reverse=True)


def stored(stats: Sequence[ModelStats], model: str, version: str, now: datetime) -> str:
    """How much of a model version the log holds."""
    found = next((s for s in stats if s.model == model and s.version == version), None)
    if found is None or not found.records:
        return "nothing logged yet"
    last = parse_time(found.last)
    return f"{found.records:,} logged" + (f", last {ago(last, now)}" if last else "")


def held(stats: ModelStats, now: datetime) -> str:
    """What the log holds of a model version, since when, and of how much of it the truth is known."""
    first, last = parse_time(stats.first), parse_time(stats.last)
    span = f", the newest {ago(last, now)}, the oldest {ago(first, now)}" if first and last else ""
    about = "about " if stats.labels_estimated else ""
    count = "1 record" if stats.records == 1 else f"{stats.records:,} records"
    return f"{count}{span}; {about}{stats.labels:,} with a label."


def missed(difference: float) -> str:
    """How far a prediction lay from what was true."""
    if not difference:
        return "Predicted exactly that."
    return f"Predicted {number(abs(difference))} {'more' if difference > 0 else 'less'} than that."


def answer(prediction: float | str, unit: str | None = None) -> str:
    """A prediction with its unit."""
    return prediction if isinstance(prediction, str) else with_unit(prediction, unit)


def confidence(shares: Mapping[str, float], chosen: str) -> str:
    """How sure a classifier is of what it chose, and what else it thought of."""
    sure = f"{percent(shares.get(chosen, 0.0))} sure"
    others = sorted(((p, name) for name, p in shares.items() if name != chosen), reverse=True)
    if len(shares) == 2 or not others or others[0][0] < 0.01:
        return sure
    return f"{sure}, then {others[0][1]} with {percent(others[0][0])}"


def spoken(shares: Mapping[str, float]) -> str:
    """The probabilities as a sentence, for those who cannot see the chart."""
    ordered = sorted(shares.items(), key=lambda pair: -pair[1])[:5]
    return "Probabilities: " + ", ".join(f"{name} {percent(p)}" for name, p in ordered)


def _counted(moved: Sequence[ColumnDrift], scored: Sequence[ColumnDrift]) -> str:
    return f"{len(moved)} of {len(scored)} columns drifted"


def _listed(columns: Sequence[ColumnDrift]) -> str:
    names = [f"{title(c.name)} ({c.excess:.1f}{TIMES} its threshold)" for c in columns[:_NAMED]]
    more = len(columns) - len(names)
    if more:
        return ", ".join(names) + f" and {more} more"
    return " and ".join(names) if len(names) < 3 else ", ".join(names[:-1]) + " and " + names[-1]
