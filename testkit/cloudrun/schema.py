"""A document against Google's own schema of the Cloud Run Admin API v1, which google-api-python-client ships.

It finds what is misspelt, misplaced or of another type; what the API refuses beyond that is in `rules`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
    "array": list,
    "object": dict,
}
_OURS = ("run.googleapis.com/", "autoscaling.knative.dev/")


def discovery(api: str = "run.v1") -> dict[str, Any]:
    """The schemas of an API by name."""
    text = (files("googleapiclient.discovery_cache") / "documents" / f"{api}.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["schemas"])


def faults(document: Any, schemas: dict[str, Any], name: str = "Service") -> Iterator[str]:
    """A sentence for each place where the document is not what the schema says."""
    yield from _check(document, {"$ref": name}, schemas, name)


def known_annotations(schemas: dict[str, Any]) -> dict[str, str]:
    """Which resources each restricted annotation is accepted on, as the description of ObjectMeta lists them."""
    text = schemas["ObjectMeta"]["properties"]["annotations"]["description"]
    return dict(re.findall(r"\* `([^`]+)`: ([^*]+?)[.,]? ?(?=\*|$)", text))


def annotation_faults(document: Any, schemas: dict[str, Any]) -> Iterator[str]:
    """Restricted annotations that are unknown, or stand where they are not accepted."""
    known = known_annotations(schemas)
    for resource, part in (("Service", document), ("Revision", document["spec"]["template"])):
        for name in (part.get("metadata") or {}).get("annotations") or {}:
            if not name.startswith(_OURS):
                continue
            if name not in known:
                yield f"annotation {name}: not known to Cloud Run"
            elif resource not in known[name] and "All resources" not in known[name]:
                yield f"annotation {name}: belongs to {known[name]}, stands on the {resource}"


def _check(value: Any, schema: dict[str, Any], schemas: dict[str, Any], path: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    kind = schema.get("type", "any")
    expected = _TYPES.get(kind)
    if expected and (not isinstance(value, expected) or (kind in ("integer", "number") and isinstance(value, bool))):
        yield f"{path}: must be of type {kind}, is {value!r}"
    elif kind == "array":
        for place, item in enumerate(value):
            yield from _check(item, schema["items"], schemas, f"{path}[{place}]")
    elif kind == "object":
        yield from _check_object(value, schema, schemas, path)


def _check_object(value: dict[str, Any], schema: dict[str, Any], schemas: dict[str, Any], path: str) -> Iterator[str]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, inner in value.items():
        found = properties.get(name, others)
        if found is None:
            yield f"{path}.{name}: not known to Cloud Run"
        else:
            yield from _check(inner, found, schemas, f"{path}.{name}")
