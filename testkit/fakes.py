"""Fakes of our own ports, one place for all tests. Each satisfies the Protocol it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pilothouse.errors import RemoteError
from pilothouse.manifest import Manifest
from pilothouse.wire.models import VersionState
from pilothouse.wire.records import IngestResult, Rejected


class FakeCollector:
    """A collector in memory (services.inference.collector.Collector): idempotent by id, with faults on request.

    `outages` counts the calls that fail next; `poison` ids are refused one by one; `largest` bounds a batch (413).
    """

    def __init__(self) -> None:
        self.announced: dict[str, Manifest] = {}
        self.states: dict[str, dict[str, VersionState]] = {}
        self.records: dict[Any, dict[str, Any]] = {}
        self.order: list[Any] = []
        self.outages = 0
        self.poison: set[Any] = set()
        self.largest: int | None = None
        self.conflicts: set[str] = set()
        self.deliveries = 0
        self.error = RemoteError("/v1/records", 503, "away")

    def announce(self, manifest: Manifest) -> None:
        self._maybe_away()
        if manifest.key in self.conflicts:
            raise RemoteError("/v1/models", 409, "another schema")
        self.announced[manifest.key] = manifest

    def tell_states(self, model: str, states: Mapping[str, VersionState]) -> None:
        self.states[model] = dict(states)

    def deliver(self, body: bytes) -> IngestResult:
        self.deliveries += 1
        self._maybe_away()
        batches = msgspec.msgpack.decode(body)["batches"]
        rows = [(b, r) for b in batches for r in b["rows"]]
        if self.largest is not None and len(rows) > self.largest:
            raise RemoteError("/v1/records", 413, "too large")
        if any(f"{b['model']}/{b['version']}" not in self.announced for b in batches):
            raise RemoteError("/v1/records", 404, '{"type":"urn:pilothouse:problem:unknown-model"}')
        accepted, rejected = 0, []
        for batch, row in rows:
            record = dict(zip(batch["columns"], row, strict=True))
            if record["id"] in self.poison:
                rejected.append(Rejected(None, 0, 0, "poison", "refused"))
            elif record["id"] not in self.records:
                self.records[record["id"]] = record
                self.order.append(record["id"])
                accepted += 1
        return IngestResult(accepted, len(rows) - accepted - len(rejected), rejected)

    def close(self) -> None:
        self.error = RemoteError("/v1/records", None, "closed")

    def _maybe_away(self) -> None:
        if self.outages:
            self.outages -= 1
            raise self.error
