"""Manifests as services answer them."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from pilothouse.manifest import Manifest
from services.frontend.connection import Connection
from services.frontend.errors import ServiceOdd


def read_manifest(connection: Connection, path: str) -> Manifest:
    """The manifest, without what the service adds to it (links, schemas)."""
    body = connection.read(dict[str, Any], path)
    known = {field.alias or name for name, field in Manifest.model_fields.items()}
    try:
        return Manifest.model_validate({k: v for k, v in body.items() if k in known})
    except ValidationError as error:
        raise ServiceOdd(connection.name, connection.url + path, 200, str(error)) from error
