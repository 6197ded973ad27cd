"""What the head of a request for a prediction says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pilothouse.serving.observe import Address
from pilothouse.serving.whole import Head

_PATH = re.compile(r"^(?:/models/([^/]+)(?:/versions/([^/]+))?)?/predict$")
_ROUTES = ("/predict", "/models/{name}/predict", "/models/{name}/versions/{version}/predict")


@dataclass(frozen=True, slots=True)
class Asked:
    """`model` and `version` as the path names them, None where it does not. `source` is what the caller calls itself in
    `Pilothouse-Source`, kept in the record: printable ASCII, cut at 64."""

    address: Address
    model: str | None
    version: str | None
    headers: dict[bytes, bytes]
    content_type: str
    source: str | None


def read_head(head: Head) -> Asked | None:
    """None when it asks for something else."""
    path = head["path"]
    found = _PATH.match(path) if head["method"] == "POST" else None
    if found is None:
        return None
    model, version = found.groups()
    headers: dict[bytes, bytes] = dict(head["headers"])
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    address = Address("POST", path, _ROUTES[(model is not None) + (version is not None)])
    return Asked(address, model, version, headers, content_type, _source(headers.get(b"pilothouse-source")))


def _source(value: bytes | None) -> str | None:
    if not value:
        return None
    return "".join(c for c in value.decode("latin-1") if " " <= c <= "~")[:64] or None
