"""Pilothouse: model packages, the record schema, the client and the command line that users and services import."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pilothouse.client import Client
    from pilothouse.labels import LabelClient
    from pilothouse.packing import pack, pack_external

__all__ = ["Client", "LabelClient", "pack", "pack_external"]
_HOMES = {
    "Client": "pilothouse.client",
    "LabelClient": "pilothouse.labels",
    "pack": "pilothouse.packing",
    "pack_external": "pilothouse.packing",
}


def __getattr__(name: str) -> Any:
    """Import on first use: a service that needs neither must not need httpx2, pandas or onnxruntime for them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
