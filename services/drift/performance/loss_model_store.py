"""Fitted models of errors on disk, so that a restart does not fit again."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import structlog

from services.drift.performance.loss_model import LossModel

_decoder = msgspec.msgpack.Decoder(LossModel)


class LossModelStore:
    """One MessagePack file for each key, in a folder made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: str) -> LossModel | None:
        """None when it was never stored, or cannot be read: it is then fitted again."""
        path = self._path(key)
        try:
            model = _decoder.decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            self._warn("a stored model of errors cannot be read", path, error)
            return None
        return model if model.key == key else None

    def write(self, model: LossModel) -> None:
        """A disk that is full or read-only costs the time of fitting after the next start, nothing else."""
        path = self._path(model.key)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(msgspec.msgpack.encode(model))
            unfinished.replace(path)
        except OSError as error:
            self._warn("a model of errors cannot be stored", path, error)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key[:32]}.msgpack"

    def _warn(self, what: str, path: Path, error: Exception) -> None:
        structlog.get_logger("performance").warning(what, path=str(path), why=str(error))
