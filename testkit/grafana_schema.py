"""What Grafana's published schema says about a file: the classes of grafana-foundation-sdk, which Grafana Labs
generates from it. The SDK itself drops what it does not know and checks no types, so both are looked at here."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from pydantic import ConfigDict, TypeAdapter, ValidationError

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # it prefers dashboards of another kind
    from grafana_foundation_sdk.models.alerting import ContactPoint, NotificationPolicy, Rule
    from grafana_foundation_sdk.models.dashboard import Dashboard

    plugins.register_default_plugins()

__all__ = ["ContactPoint", "Dashboard", "NotificationPolicy", "Rule", "faults"]
_STRICT = ConfigDict(arbitrary_types_allowed=True, strict=True)


def faults(kind: Any, data: dict[str, Any]) -> list[str]:
    """Places in `data` that `kind` (a class of the SDK) does not know, or where it wants another type or value."""
    read = kind.from_json(data)
    known = json.loads(json.dumps(read, cls=JSONEncoder))
    return [*_unknown(data, known, kind.__name__), *_wrong(read, object, kind.__name__)]


def _unknown(data: Any, known: Any, place: str) -> Iterator[str]:
    if isinstance(data, dict):
        for key in (key for key, value in data.items() if value is not None):
            if key in known:
                yield from _unknown(data[key], known[key], f"{place}.{key}")
            else:
                yield f"{place}.{key}: unknown"
    elif isinstance(data, list):
        for number, (ours, theirs) in enumerate(zip(data, known, strict=True)):
            yield from _unknown(ours, theirs, f"{place}[{number}]")


def _wrong(value: Any, hint: Any, place: str) -> Iterator[str]:
    items = dict(enumerate(value)) if isinstance(value, list) else value if isinstance(value, dict) else {}
    kind = _class_in(hint)
    if hasattr(value, "to_json"):
        for name, inner in get_type_hints(type(value)).items():
            yield from _wrong(getattr(value, name), inner, f"{place}.{name}")
    elif items and (kind or all(hasattr(item, "to_json") for item in items.values())):
        for number, item in items.items():
            read = item if hasattr(item, "to_json") else kind.from_json(item)  # some the SDK leaves as they were
            yield from _wrong(read, object, f"{place}[{number}]")
            yield from _unknown(item, read.to_json(), f"{place}[{number}]")
    else:
        try:
            TypeAdapter(hint, config=_STRICT).validate_json(json.dumps(value, cls=JSONEncoder))
        except ValidationError as error:
            yield f"{place}: {error.errors()[0]['msg']}"


def _class_in(hint: Any) -> Any:
    """The class of the SDK in `list[...]`, `dict[str, ...]` or a union."""
    inner = (part if hasattr(part, "from_json") else _class_in(part) for part in get_args(hint))
    return next(filter(None, inner), None)
