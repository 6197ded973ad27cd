"""The fields of a tabular model's form, derived from its manifest: what each one is, shows and sends.

Nothing here draws. Ranges are shown and not enforced: the service is the one judge of an input, and its verdict is
shown at the field. A widget that refused a number by itself would keep the old one and predict for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal

import numpy as np

from pilothouse.errors import Fault
from pilothouse.manifest import Feature, TabularInput
from services.frontend.formatting import in_brackets, number, plain, pretty_unit, title

FieldKind = Literal["number", "integer", "choice", "boolean", "date", "moment"]
BOOLEANS = {"no": False, "yes": True}


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. `help` and `label` are Markdown, `placeholder` is shown while it is empty."""

    name: str
    kind: FieldKind
    label: str
    help: str
    placeholder: str = ""
    options: tuple[str, ...] = ()
    required: bool = True
    step: float = 1


def fields(spec: TabularInput, examples: Sequence[Mapping[str, Any]] = ()) -> list[FormField]:
    """A field for each feature, in the manifest's order."""
    return [_field(feature, [e[feature.name] for e in examples if feature.name in e]) for feature in spec.features]


def widget_value(field: FormField, value: Any) -> Any:
    """An example's value as the field's widget holds it; None leaves it empty."""
    if value is None:
        return None
    match field.kind:
        case "number":
            return _shortest(float(value))
        case "integer":
            return int(value)
        case "boolean":
            return "yes" if value else "no"
        case "date" | "moment":
            parsed = datetime.fromisoformat(str(value))
            parsed = parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else parsed
            return parsed.date() if field.kind == "date" else parsed
        case _:
            return value


def instance(filled: Iterable[FormField], values: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object to send: what widgets hold, without what was left empty."""
    pairs = ((field.name, _sent(values.get(field.name), field)) for field in filled)
    return {name: value for name, value in pairs if value is not None}


def by_field(faults: Iterable[Fault], names: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Messages by the field they belong to, and those that belong to none."""
    known = set(names)
    at: dict[str, list[str]] = {}
    of_none: list[str] = []
    for fault in faults:
        name = fault.path.rpartition("].")[2]
        if name in known:
            at.setdefault(name, []).append(fault.message)
        else:
            of_none.append(f"{fault.path}: {fault.message}" if fault.path else fault.message)
    return at, of_none


def _shortest(value: float) -> float:
    """128.89999389648438 is 128.9 as float32 holds it, as a frame may have kept it and as the graph does."""
    single = np.float32(value)
    return float(str(single)) if single == value else value


def _field(feature: Feature, seen: list[Any]) -> FormField:
    kind = _kind(feature, seen)
    return FormField(
        name=feature.name,
        kind=kind,
        label=plain(title(feature.name, feature.unit) + in_brackets(feature.unit)),
        help=_help(feature),
        placeholder=_placeholder(feature),
        options=tuple(BOOLEANS) if kind == "boolean" else feature.categories or (),
        required=feature.required,
        step=_step(feature) if kind == "number" else 1,
    )


def _kind(feature: Feature, seen: list[Any]) -> FieldKind:
    match feature.type:
        case "number" | "integer" | "boolean":
            return feature.type
        case "category":
            return "choice"
        case "datetime":
            bounds = [b for b in (feature.minimum, feature.maximum) if isinstance(b, datetime)]
            times = [b.time() for b in bounds] + [datetime.fromisoformat(str(v)).time() for v in seen if v]
            return "moment" if any(t != time(0) for t in times) else "date"


def _help(feature: Feature) -> str:
    parts = [plain(feature.description.strip().rstrip("."))] if feature.description else []
    bounds = accepted(feature)
    if bounds:
        parts.append(plain(f"Accepted: {bounds} {pretty_unit(feature.unit)}".rstrip()))
    if not feature.required:
        default = "taken as missing" if feature.default is None else f"taken as {feature.default}"
        parts.append(plain(f"May be left empty, {default}"))
    parts.append(f"Sent as `{feature.name}`")
    return ". ".join(parts) + "."


def accepted(feature: Feature) -> str:
    """The range that the service accepts, in words; empty where it takes anything."""
    low, high = _bound(feature.minimum, feature), _bound(feature.maximum, feature)
    if low and high:
        return f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else ""


def _bound(value: float | datetime | None, feature: Feature) -> str:
    """A year, which is an integer without a unit, has no thousands separator."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if value is None:
        return ""
    is_year = feature.type == "integer" and feature.unit is None and 1500 <= value <= 2500
    return str(int(value)) if is_year else number(value)


def _placeholder(feature: Feature) -> str:
    if not feature.required:
        return "optional" if feature.default is None else f"{feature.default}"
    return accepted(feature) if feature.type in ("number", "integer") else "choose"


def _step(feature: Feature) -> float:
    """About a hundredth of the range, as a power of ten."""
    low, high = feature.minimum, feature.maximum
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and high > low:
        return float(10.0 ** math.floor(math.log10((high - low) / 100)))
    return 1.0


def _sent(value: Any, field: FormField) -> Any:
    if field.kind == "boolean":
        return BOOLEANS.get(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value
