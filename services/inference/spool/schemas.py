"""The manifests that spooled records were made under, beside the segments.

A record on disk names its schema by 8 bytes. Whoever ships it later, another process after a crash or the next
release, finds the columns here, and can announce the model even when it is no longer loaded.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import msgspec

from pilothouse.columns import record_columns
from pilothouse.manifest import Manifest
from services.inference.spool.durable import write_durably


class SchemaStore:
    """A folder of manifests, named by their digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = lru_cache(maxsize=256)(self._read_file)

    def put(self, manifest: Manifest) -> bytes:
        """Store a manifest durably (idempotent) and return the 8 bytes that name it."""
        body = msgspec.json.encode(manifest.model_dump(mode="json"), order="deterministic")
        digest = hashlib.sha256(body).digest()[:8]
        write_durably(self._folder / f"{digest.hex()}.json", body)
        return digest

    def get(self, digest: bytes) -> tuple[Manifest, list[str]]:
        """The manifest and the record's column names, `id` first. Raises KeyError when it is not there."""
        return self._read(digest)

    def _read_file(self, digest: bytes) -> tuple[Manifest, list[str]]:
        try:
            manifest = Manifest.model_validate_json((self._folder / f"{digest.hex()}.json").read_bytes())
        except (OSError, ValueError) as error:
            raise KeyError(digest.hex()) from error
        return manifest, ["id", *(c.name for c in record_columns(manifest))]
