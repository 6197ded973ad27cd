"""Models served elsewhere are announced to the collector, so that their events can come without any other step.

A model that is served here is announced by the inference service. Announcing is idempotent, and done again now and
then: a collector that was given another database while nobody looked knows the models again within a minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from pilothouse.manifest import Manifest
from pilothouse.package import Package
from services.drift.errors import CollectorAwayError
from services.drift.metrics import AnnouncerMetrics

AGAIN_SECONDS = 60.0
TICK_SECONDS = 2.0
Key = tuple[str, str]


class Announce(Protocol):
    async def __call__(self, manifest: Manifest) -> None:
        """Raises CollectorAwayError, whose message says why, when it was not taken."""


class Announcer:
    """`packages` gives what lies in the models folder now; `timer` gives seconds that only rise."""

    def __init__(
        self,
        packages: Callable[[], list[Package]],
        announce: Announce,
        metrics: AnnouncerMetrics,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._packages, self._announce, self._metrics, self._timer = packages, announce, metrics, timer
        self._due: dict[Key, float] = {}
        self._wait: dict[Key, float] = {}
        self._faults: dict[Key, str] = {}
        self._log = structlog.get_logger("announcer")

    async def keep_running(self) -> None:
        """Until it is cancelled: whatever goes wrong is logged and tried again."""
        while True:
            try:
                await self.tick()
            except Exception:
                self._log.exception("announcing failed and goes on")
            await asyncio.sleep(TICK_SECONDS)

    async def tick(self) -> None:
        """Announce what is due; of one model, the oldest version first."""
        found = await asyncio.to_thread(self._packages)
        manifests = {_key(p.manifest): p.manifest for p in found if p.manifest.runtime == "external"}
        for gone in self._due.keys() - manifests.keys():
            self._metrics.forget(gone)
            for kept in (self._due, self._wait, self._faults):
                kept.pop(gone, None)
        for key, manifest in manifests.items():
            if self._due.get(key, 0.0) <= self._timer():
                await self._announce_one(key, manifest)
                self._due[key] = self._timer() + self._wait[key]

    async def _announce_one(self, key: Key, manifest: Manifest) -> None:
        """What became of it is logged when it is something else than the last time."""
        try:
            await self._announce(manifest)
        except CollectorAwayError as error:
            waited = 0.0 if self._faults.get(key) == "" else self._wait.get(key, 0.0)
            fault, self._wait[key] = str(error), min(max(waited * 2, TICK_SECONDS), AGAIN_SECONDS)
        else:
            fault, self._wait[key] = "", AGAIN_SECONDS
        self._metrics.announced(key, known=not fault)
        if fault and self._faults.get(key) != fault:
            self._log.warning("a model served elsewhere is not announced", model=manifest.key, why=fault)
        if not fault and self._faults.get(key) != fault:
            self._log.info("a model served elsewhere is announced", model=manifest.key)
        self._faults[key] = fault


def _key(manifest: Manifest) -> Key:
    return manifest.name, manifest.version
