"""A request's rows as values of the manifest's features: by name, by order, or a tensor a feature."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from pilothouse.external import ExternalFormat
from pilothouse.manifest import Feature, ImageInput, Manifest
from services.collector.errors import printable
from services.collector.events.outcomes import RefusedEventError
from services.collector.events.tensors import EventTensor, read_tensors

Row = list[Any]


class RequestReader:
    """Reads requests to one model version. A feature that a request does not have is missing (None) in its record."""

    def __init__(self, manifest: Manifest) -> None:
        described = manifest.external_format or ExternalFormat()
        self._features = () if isinstance(manifest.input, ImageInput) else manifest.input.features
        self._theirs = [described.names.get(f.name, f.name) for f in self._features]
        order = described.order or tuple(f.name for f in self._features)
        self._places = [order.index(f.name) for f in self._features]
        self._convert = [_converter(f) for f in self._features]

    def rows(self, body: Any) -> list[Row]:
        """Values of the features, in the manifest's order, of each row. Raises RefusedEventError.

        A number may stand for a category by its position, and 0 or 1 for a boolean; NaN is a missing value.
        """
        if not self._features:
            raise RefusedEventError("image_model", "records of image models are posted to /v1/records with statistics")
        if isinstance(body, dict) and isinstance(body.get("instances"), list):
            rows = [self._instance(value) for value in body["instances"]]
        elif isinstance(body, dict) and "inputs" in body:
            rows = self._from_tensors(read_tensors(body["inputs"], "inputs"))
        else:
            raise RefusedEventError("shape", "a request has `instances` (protocol V1) or `inputs` (V2)")
        if not rows:
            raise RefusedEventError("shape", "the request has no rows")
        return [[None if v is None else f(v) for f, v in zip(self._convert, row, strict=True)] for row in rows]

    def _instance(self, value: Any) -> Row:
        if isinstance(value, dict):
            return self._by_name(value)
        values = value if isinstance(value, list) else [value]
        if len(values) != len(self._places):
            text = f"a row has {len(values)} values, the model {len(self._places)} features"
            raise RefusedEventError("shape", text)
        return [values[place] for place in self._places]

    def _by_name(self, value: Mapping[str, Any]) -> Row:
        if not any(name in value for name in self._theirs):
            names = ", ".join(printable(str(n), 40) for n in list(value)[:5])
            raise RefusedEventError("shape", f"none of the model's features is in a row with {names or 'nothing'}")
        return [value.get(name) for name in self._theirs]

    def _from_tensors(self, tensors: list[EventTensor]) -> list[Row]:
        counts = {len(t.rows) for t in tensors}
        if len(tensors) == 1 and tensors[0].width > 1:
            return [self._instance(row) for row in tensors[0].rows]
        if len(counts) != 1:
            raise RefusedEventError("shape", "the input tensors have different numbers of rows")
        named = {t.name: t.rows for t in tensors}
        if len(tensors) == 1 == len(self._theirs) and self._theirs[0] not in named:
            return [self._instance(row) for row in tensors[0].rows]
        return [self._by_name({name: rows[i] for name, rows in named.items()}) for i in range(counts.pop())]


def _converter(feature: Feature) -> Callable[[Any], Any]:
    if feature.type == "category":
        categories = feature.categories or ()
        return lambda value: _category(value, categories)
    return _CONVERTERS[feature.type]


def _category(value: Any, categories: tuple[str, ...]) -> Any:
    """A number is the category called so, or the one in that position; another one is a new category; -1 is missing."""
    number = _whole(_present(value))
    if type(number) not in (int, float):
        return number
    if str(number) in categories:
        return str(number)
    if type(number) is int and 0 <= number < len(categories):
        return categories[number]
    return None if number == -1 else str(number)[:40]


def _boolean(value: Any) -> Any:
    number = _whole(_present(value))
    return bool(number) if type(number) is int and number in (0, 1) else number


def _whole(value: Any) -> Any:
    """3.0 as 3: a matrix of floats has no integers."""
    return int(value) if type(value) is float and value.is_integer() and abs(value) < 2**63 else value


def _present(value: Any) -> Any:
    return None if type(value) is float and math.isnan(value) else value


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "number": _present,
    "integer": lambda value: _whole(_present(value)),
    "datetime": lambda value: _whole(_present(value)),
    "boolean": _boolean,
}
