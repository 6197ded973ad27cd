"""What was worked out about a reference, on disk, so that a restart does not work it out again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec
import structlog


class Keyed(Protocol):
    @property
    def key(self) -> str: ...


KeyedT = TypeVar("KeyedT", bound=Keyed)


class Store(Generic[KeyedT]):
    """One MessagePack file for each key, in a folder made when it is first needed."""

    def __init__(self, folder: Path, kind: type[KeyedT]) -> None:
        self._folder, self._decoder = folder, msgspec.msgpack.Decoder(kind)
        self._log = structlog.get_logger("store").bind(kind=kind.__name__)

    def read(self, key: str) -> KeyedT | None:
        """None when it was never stored, or cannot be read: it is then made again."""
        path = self._path(key)
        try:
            found = self._decoder.decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            self._log.warning("what was stored cannot be read", path=str(path), why=str(error))
            return None
        return found if found.key == key else None

    def write(self, value: KeyedT) -> None:
        """A disk that is full or read-only costs the time of making it after the next start, nothing else."""
        path = self._path(value.key)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(msgspec.msgpack.encode(value))
            unfinished.replace(path)
        except OSError as error:
            self._log.warning("it cannot be stored", path=str(path), why=str(error))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key[:32]}.msgpack"
