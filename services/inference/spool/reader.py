"""Reading back what is spooled: batches of records from a worker's segments, oldest first."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.inference.spool.segments import LOCK, SEGMENT, Damage, Frame, SpoolWriter, lock_directory, read_frames

_CHUNK_BYTES = 1_000_000


@dataclass(slots=True)
class Chunk:
    """Records read in one go from one segment, and the damage met between them."""

    path: Path
    frames: list[Frame] = field(default_factory=list)
    damaged: list[bytes] = field(default_factory=list)
    end: int = 0
    last: bool = False  # nothing follows in this segment, and nothing will


class SpoolReader:
    """Reads one directory. `position` is what has been committed, kept in memory only: after a restart everything
    that is still on disk is sent again, and the collector knows the ids."""

    def __init__(self, folder: Path, writer: SpoolWriter | None, chunk_bytes: int = _CHUNK_BYTES) -> None:
        self.folder, self._writer, self._chunk_bytes = folder, writer, chunk_bytes
        self._path: Path | None = None
        self._offset = 0

    def read(self) -> Chunk | None:
        """The next records, or None when there is nothing new. Reading again before `commit` gives them again."""
        if self._path is None:
            self._path = min(self.folder.glob(f"*{SEGMENT}"), default=None)
            self._offset = 0
        if self._path is None:
            return None
        complete = self._writer is None or self._writer.current != self._path
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(self._chunk_bytes)
        whole = complete and self._offset + len(data) >= size
        chunk = self._collect(self._path, data, complete=whole)
        if chunk.end == self._offset and not whole and len(data) == self._chunk_bytes:
            self._chunk_bytes *= 2  # a single frame is larger than what was read
            return self.read()
        if chunk.end == self._offset and not chunk.last:
            return None
        return chunk

    def _collect(self, path: Path, data: bytes, *, complete: bool) -> Chunk:
        chunk = Chunk(path, end=self._offset, last=complete)
        for found in read_frames(data, complete=complete):
            if isinstance(found, Frame):
                chunk.frames.append(found)
            else:
                chunk.damaged.append(_cut(data, found))
            chunk.end = self._offset + found.end
        return chunk

    def commit(self, chunk: Chunk) -> None:
        """Everything up to the end of `chunk` is safe elsewhere; a finished segment is unlinked."""
        self._offset = chunk.end
        if not chunk.last:
            return
        if self._writer is None:
            chunk.path.unlink()
        else:
            self._writer.release(chunk.path)
        self._path = None


def _cut(data: bytes, damage: Damage) -> bytes:
    return data[damage.start : damage.end]


@dataclass(frozen=True, slots=True)
class Orphan:
    """A dead worker's directory that we hold the lock of."""

    folder: Path
    lock: int

    def remove(self) -> None:
        """Remove the emptied directory and give up its lock."""
        shutil.rmtree(self.folder, ignore_errors=True)  # a name that stays is adopted again, and is empty
        os.close(self.lock)

    def release(self) -> None:
        """Give up the lock and leave the directory for another try."""
        os.close(self.lock)


def adopt(root: Path, own: Path) -> Iterator[Orphan]:
    """Directories below `root` whose worker has died: those whose lock can be had.

    Each lock is taken when its directory is asked for, so that a caller who gives up midway holds none of the rest.
    """
    for folder in sorted(p.parent for p in root.glob(f"*/{LOCK}")):
        if folder == own:
            continue
        try:
            lock = lock_directory(folder)
        except OSError:  # it vanished, adopted by a sibling, between the listing and the lock
            continue
        if lock is not None:
            yield Orphan(folder, lock)
