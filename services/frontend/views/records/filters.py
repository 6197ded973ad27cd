"""Which records are wanted: the choices of the Records page, in its address and as the collector's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from services.frontend.formatting import parse_time

SPANS = {"all": "All", "1h": "Hour", "24h": "Day", "7d": "Week", "between": "Between"}
LABELS = {"any": "Any", "yes": "With", "no": "Without"}
_LENGTHS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class RecordFilters:
    """Every choice as the text that stands in the address; empty is no choice.

    `start` and `end` (ISO 8601) count when `span` is `between`. `prediction` is a class; `low` and `high` bound a
    prediction that is a number, `unsure` and `sure` (percent) the confidence of a classifier.
    """

    span: str = "all"
    start: str = ""
    end: str = ""
    prediction: str = ""
    low: str = ""
    high: str = ""
    unsure: str = ""
    sure: str = ""
    label: str = "any"

    @property
    def narrowed(self) -> bool:
        return self != RecordFilters()


def from_address(address: Mapping[str, str], manifest: Manifest) -> RecordFilters:
    """The choices that an address names; what cannot be is no choice."""
    found = RecordFilters(**{f.name: str(address.get(f.name, f.default)) for f in fields(RecordFilters)})
    is_class = found.prediction in (manifest.output.classes or ())
    return replace(
        found,
        span=found.span if found.span in SPANS else "all",
        start=found.start if parse_time(found.start) else "",
        end=found.end if parse_time(found.end) else "",
        prediction=found.prediction if is_class else "",
        low=_number(found.low),
        high=_number(found.high),
        unsure=_share(found.unsure),
        sure=_share(found.sure),
        label=found.label if found.label in LABELS else "any",
    )


def to_address(chosen: RecordFilters) -> dict[str, str | None]:
    """For the address: None for what is not chosen."""
    pairs = {f.name: (getattr(chosen, f.name), f.default) for f in fields(RecordFilters)}
    return {name: None if value in ("", default) else value for name, (value, default) in pairs.items()}


def parameters(chosen: RecordFilters, manifest: Manifest, now: datetime) -> dict[str, str]:
    """The collector's parameters."""
    wanted = _window(chosen, now)
    if task_of(manifest).prediction_filter == "range":
        wanted |= {"min_prediction": chosen.low, "max_prediction": chosen.high}
    else:
        wanted |= {"prediction": chosen.prediction}
        wanted |= {"min_confidence": _of_one(chosen.unsure), "max_confidence": _of_one(chosen.sure)}
    if chosen.label != "any":
        wanted["has_label"] = "true" if chosen.label == "yes" else "false"
    return {name: value for name, value in wanted.items() if value}


def _window(chosen: RecordFilters, now: datetime) -> dict[str, str]:
    if chosen.span == "between":
        return {"from": _utc(chosen.start), "to": _utc(chosen.end)}
    length = _LENGTHS.get(chosen.span)
    return {"from": _utc((now - length).isoformat())} if length else {}


def _utc(text: str) -> str:
    found = parse_time(text)
    return found.astimezone(UTC).isoformat() if found else ""


def _of_one(percent: str) -> str:
    return f"{float(percent) / 100:g}" if percent else ""


def _number(text: str) -> str:
    try:
        return text if abs(float(text)) < float("inf") else ""
    except ValueError:
        return ""


def _share(text: str) -> str:
    return text if _number(text) and 0 <= float(text) <= 100 else ""
