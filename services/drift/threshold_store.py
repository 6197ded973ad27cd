"""Calibrated thresholds on disk, so that a restart does not calibrate again."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import structlog

from services.drift.thresholds import Thresholds

_decoder = msgspec.json.Decoder(Thresholds)


class ThresholdStore:
    """One JSON file for each key, in a folder made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: str) -> Thresholds | None:
        """None when they were never stored, or cannot be read: they are then made again."""
        path = self._path(key)
        try:
            thresholds = _decoder.decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            structlog.get_logger("thresholds").warning(
                "stored thresholds cannot be read", path=str(path), why=str(error)
            )
            return None
        return thresholds if thresholds.key == key else None

    def write(self, thresholds: Thresholds) -> None:
        """A disk that is full or read-only costs the time of calibrating after the next start, nothing else."""
        path = self._path(thresholds.key)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(msgspec.json.encode(thresholds))
            unfinished.replace(path)
        except OSError as error:
            structlog.get_logger("thresholds").warning("thresholds cannot be stored", path=str(path), why=str(error))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key[:32]}.json"
