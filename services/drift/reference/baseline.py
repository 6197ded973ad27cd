"""What a model version is compared with: its reference and its thresholds, loaded once and kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import structlog

from pilothouse.package import Package
from services.drift.errors import ReferenceFault
from services.drift.process import give_back
from services.drift.reference.calibration import calibrate
from services.drift.reference.reference import Reference, load_reference
from services.drift.reference.thresholds import Thresholds
from services.drift.store import Store

KEPT = 16
Stamp = tuple[Path, int, int]


@dataclass(frozen=True, slots=True)
class Baseline:
    reference: Reference
    thresholds: Thresholds


class Baselines:
    """The baselines of the models that were last asked for. `store` keeps thresholds between two runs of the service.

    Loading is done in a thread, one at a time. A file that was changed since is loaded, and so verified, again.
    """

    def __init__(self, store: Store[Thresholds]) -> None:
        self._store = store
        self._kept: OrderedDict[Stamp, Baseline] = OrderedDict()
        self._lock = asyncio.Lock()

    async def get(self, package: Package) -> Baseline:
        """Raises ReferenceFault when the package's reference cannot be used."""
        stamp = read_stamp(package)
        async with self._lock:
            if stamp not in self._kept:
                self._kept[stamp] = await asyncio.to_thread(self._load, package)
            self._kept.move_to_end(stamp)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[stamp]

    def _load(self, package: Package) -> Baseline:
        reference = load_reference(package)
        thresholds = self._store.read(reference.key)
        if thresholds is None:
            structlog.get_logger("baseline").info("calibrating thresholds", model=package.manifest.key)
            thresholds = calibrate(reference)
            self._store.write(thresholds)
        give_back()
        return Baseline(reference, thresholds)


def read_stamp(package: Package) -> Stamp:
    """What changes with the files that a baseline is made of. Raises ReferenceFault when they are not there."""
    try:
        reference, manifest = package.reference.stat(), (package.folder / "manifest.yaml").stat()
    except OSError as error:
        raise ReferenceFault("reference-missing", f"{package.manifest.key} has no reference: {error}") from error
    return package.folder, reference.st_mtime_ns, manifest.st_mtime_ns
