"""Tabular inputs: JSON to validated rows by a decoder compiled from the manifest, and rows to the graph's tensors.

A valid body is decoded and checked by msgspec in one pass in C. Only a body that it refuses is looked at again in
Python, slowly, so that the answer can name every fault and not just the first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from pilothouse.errors import Fault, InputError, TooLarge
from pilothouse.manifest import Feature, TabularInput

Row = tuple[Any, ...]
_EXACT = 2**53  # integers up to here are exact in a float64
_DAY_MS = 86_400_000


class TabularCodec:
    """Validates and encodes the features of one manifest. A row holds one value a feature, in the manifest's order:
    float, int, bool, str, integer milliseconds since the epoch for a datetime, or None for a missing value."""

    def __init__(self, spec: TabularInput, max_rows: int = 10_000) -> None:
        self.features = spec.features
        self._max_rows = max_rows
        self._one, self._many = _compile(spec.features)
        self._datetimes = {i: _span(f) for i, f in enumerate(spec.features) if f.type == "datetime"}
        self._numbers = [i for i, f in enumerate(spec.features) if f.type != "category"]
        self._categories = [i for i, f in enumerate(spec.features) if f.type == "category"]
        self._numbers_of = itemgetter(*self._numbers) if self._numbers else tuple
        self._codes = [
            {c: code for code, c in enumerate(spec.features[i].categories or ())} | {None: -1} for i in self._categories
        ]

    def decode(self, body: bytes) -> tuple[list[Row], bool]:
        """Rows of a JSON body, and whether it asked for many (`{"instances": [...]}`). Raises InputError, TooLarge."""
        many = b'"instances"' in body[:32]
        try:
            parsed = self._many.decode(body).instances if many else [self._one.decode(body)]
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._decode_slowly(body)
        if not parsed:
            return self._decode_slowly(body)
        self._bound(len(parsed))
        rows = [msgspec.structs.astuple(instance) for instance in parsed]
        if self._datetimes:
            rows = [self._with_times(row) for row in rows]
        return (rows, many) if () not in rows else self._decode_slowly(body)

    def validate(self, instances: Sequence[Mapping[str, Any]], *, many: bool = True) -> list[Row]:
        """Rows of Python objects. Raises InputError with every fault found."""
        faults: list[Fault] = []
        rows = []
        for position, instance in enumerate(instances):
            prefix = f"instances[{position}]." if many else ""
            rows.append(self._validate_one(instance, prefix, faults))
            if len(faults) >= 100:
                break
        if faults:
            raise InputError(faults[:100])
        return rows

    def tensors(self, rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
        """The graph's inputs: `numbers` float32 (rows, numbers), `categories` int64 (rows, categories)."""
        tensors: dict[str, NDArray[Any]] = {}
        if self._numbers:
            values = np.array(list(map(self._numbers_of, rows)), dtype=np.float64).reshape(len(rows), -1)
            for column, i in enumerate(self._numbers):
                if i in self._datetimes:
                    values[:, column] /= _DAY_MS
            tensors["numbers"] = values.astype(np.float32)
        if self._categories:
            pairs = zip(self._codes, self._categories, strict=True)
            columns = [[codes[row[i]] for row in rows] for codes, i in pairs]
            tensors["categories"] = np.ascontiguousarray(np.array(columns, dtype=np.int64).T)
        return tensors

    def _with_times(self, row: Row) -> Row:
        """The row with its datetimes parsed; an empty one when a datetime is wrong."""
        values = list(row)
        for i, (earliest, latest) in self._datetimes.items():
            if isinstance(values[i], str):
                try:
                    moment = _utc(datetime.fromisoformat(values[i]))
                except (ValueError, OverflowError):
                    return ()
                if not earliest <= moment <= latest:
                    return ()
                values[i] = round(moment.timestamp() * 1000)
        return tuple(values)

    def _bound(self, rows: int) -> None:
        if rows > self._max_rows:
            raise TooLarge([Fault("instances", "too_many", f"{rows} instances are over the limit of {self._max_rows}")])

    def _decode_slowly(self, body: bytes) -> tuple[list[Row], bool]:
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise InputError([Fault("", "not_json", f"the body is not JSON: {reason}")]) from error
        if not isinstance(parsed, dict):
            raise InputError([Fault("", "not_an_object", "the body must be a JSON object of features")])
        if "instances" not in parsed:
            return self.validate([parsed], many=False), False
        instances = parsed["instances"]
        if len(parsed) > 1 or not isinstance(instances, list) or not instances:
            message = 'must be a non-empty list, alone in its object: {"instances": [{...}, ...]}'
            raise InputError([Fault("instances", "not_a_list", message)])
        self._bound(len(instances))
        return self.validate(instances), True

    def _validate_one(self, instance: Any, prefix: str, faults: list[Fault]) -> Row:
        if not isinstance(instance, Mapping):
            faults.append(Fault(prefix.rstrip("."), "not_an_object", "must be an object of features"))
            return ()
        known = {f.name for f in self.features}
        for name in instance:
            if name not in known:
                shown = printable(str(name))
                faults.append(Fault(prefix + shown, "unknown_feature", "the model has no such feature"))
        return tuple(self._value(feature, instance, prefix, faults) for feature in self.features)

    def _value(self, feature: Feature, instance: Mapping[str, Any], prefix: str, faults: list[Fault]) -> Any:
        path = prefix + feature.name
        raw = instance.get(feature.name)
        if raw is None:
            if feature.required:
                absent = feature.name not in instance
                faults.append(Fault(path, "missing", "is required" if absent else "is required and must not be null"))
            return _default(feature) if feature.name not in instance else None
        value, message = _CHECKS[feature.type](feature, raw)
        if message:
            code, text = message
            faults.append(Fault(path, code, text))
        return value


def printable(text: str, limit: int = 60) -> str:
    """A caller's text made safe to send back: what is not printable is escaped, and it is cut."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    return cut.encode("unicode_escape").decode() if not cut.isprintable() else cut


def _compile(features: tuple[Feature, ...]) -> tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[Any]]:
    """Decoders of one instance and of `{"instances": [...]}`: structs whose fields are the features, in order."""
    fields: list[Any] = []
    for i, feature in enumerate(features):
        annotation = _annotation(feature)
        optional = (annotation | None, _default(feature))
        fields.append((f"f{i}", annotation) if feature.required else (f"f{i}", *optional))
    names = {f"f{i}": feature.name for i, feature in enumerate(features)}
    row: Any = msgspec.defstruct("Instance", fields, rename=names, forbid_unknown_fields=True, kw_only=True)
    many = msgspec.defstruct("Instances", [("instances", list[row])], forbid_unknown_fields=True)
    return msgspec.json.Decoder(row), msgspec.json.Decoder(many)


def _annotation(feature: Feature) -> Any:
    low, high = feature.minimum, feature.maximum
    match feature.type:
        case "number":
            return Annotated[float, msgspec.Meta(ge=_or(low, -1.7e308), le=_or(high, 1.7e308))]
        case "integer":
            return Annotated[int, msgspec.Meta(ge=math.ceil(_or(low, -_EXACT)), le=math.floor(_or(high, _EXACT)))]
        case "category":
            return Literal[feature.categories]
        case "boolean":
            return bool
        case "datetime":
            return Annotated[str, msgspec.Meta(max_length=40)]


def _or(bound: float | datetime | None, default: float) -> float:
    return float(bound) if isinstance(bound, (int, float)) else default


def _default(feature: Feature) -> Any:
    if feature.type == "datetime" and isinstance(feature.default, str):
        return _datetime(feature, feature.default)[0]
    return feature.default


_Checked = tuple[Any, tuple[str, str] | None]


def _number(feature: Feature, raw: Any) -> _Checked:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        return None, (
            "wrong_type",
            f"must be {'an' if feature.type == 'integer' else 'a'} {feature.type}, not {_kind(raw)}",
        )
    try:
        value = float(raw)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        return None, ("not_finite", "must be a finite number (no NaN, no Infinity)")
    if feature.type == "integer":
        if value != math.floor(value):
            return None, ("wrong_type", f"must be an integer, not {raw}")
        if not -_EXACT <= raw <= _EXACT:
            return None, ("out_of_range", f"must lie within ±{_EXACT}")
        raw = int(raw)
    out = _range(feature, value)
    return (raw if feature.type == "integer" else value), out


def _range(feature: Feature, value: float) -> tuple[str, str] | None:
    low, high = feature.minimum, feature.maximum
    unit = f" {feature.unit}" if feature.unit else ""
    if isinstance(low, (int, float)) and value < low:
        return "out_of_range", f"must be at least {low:g}{unit}, got {value:g}"
    if isinstance(high, (int, float)) and value > high:
        return "out_of_range", f"must be at most {high:g}{unit}, got {value:g}"
    return None


def _category(feature: Feature, raw: Any) -> _Checked:
    if not isinstance(raw, str):
        return None, ("wrong_type", f"must be one of the model's categories (a string), not {_kind(raw)}")
    if raw not in (feature.categories or ()):
        known = ", ".join(feature.categories or ())
        return None, ("unknown_category", f"{printable(raw)!r} is none of the categories the model knows: {known}")
    return raw, None


def _boolean(_: Feature, raw: Any) -> _Checked:
    return (raw, None) if isinstance(raw, bool) else (None, ("wrong_type", f"must be true or false, not {_kind(raw)}"))


def _datetime(feature: Feature, raw: Any) -> _Checked:
    if isinstance(raw, datetime):
        moment = raw
    elif isinstance(raw, str) and len(raw) <= 40:
        try:
            moment = datetime.fromisoformat(raw)
        except ValueError:
            return None, ("wrong_type", "must be an ISO 8601 date or date-time, such as 1998-03-31")
    else:
        return None, ("wrong_type", f"must be an ISO 8601 date or date-time, not {_kind(raw)}")
    try:
        moment = _utc(moment)
    except OverflowError:
        return None, ("out_of_range", "must lie within the years 1 to 9999 in UTC")
    earliest, latest = _span(feature)
    if moment < earliest:
        return None, ("out_of_range", f"must not be before {earliest.date()}")
    if moment > latest:
        return None, ("out_of_range", f"must not be after {latest.date()}")
    return round(moment.timestamp() * 1000), None


def _span(feature: Feature) -> tuple[datetime, datetime]:
    """The earliest and the latest moment that a datetime may be, in UTC."""
    bounds = (feature.minimum, datetime.min), (feature.maximum, datetime.max)
    earliest, latest = (_utc(given if isinstance(given, datetime) else widest) for given, widest in bounds)
    return earliest, latest


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _kind(raw: Any) -> str:
    return _KINDS.get(type(raw), type(raw).__name__)


_KINDS = {
    str: "a string", bool: "a boolean", int: "an integer", float: "a number", list: "a list", dict: "an object",
    type(None): "null",
}  # fmt: skip
_CHECKS: dict[str, Callable[[Feature, Any], _Checked]] = {
    "number": _number,
    "integer": _number,
    "category": _category,
    "boolean": _boolean,
    "datetime": _datetime,
}
