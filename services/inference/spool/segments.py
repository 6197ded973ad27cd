"""Segment files: append-only, one write a micro-batch, in a directory of one worker's own. A record lies in a frame:

    magic 4 bytes | length 4 | crc32c 4 | schema 8 | payload (length bytes)     integers little-endian

The checksum covers length, schema and payload. `schema` names the manifest that the record was made under (see
`SchemaStore`), `payload` is the record as it goes on the wire: a MessagePack array beginning with the id.
A reader that meets damage searches for the next magic whose frame checks out, so that a flipped bit costs one record.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import google_crc32c
import msgspec
import structlog

from services.inference.errors import SpoolError, SpoolFullError, SpoolUnusableError
from services.inference.metrics import SpoolMetrics
from services.inference.spool.durable import make_folder, sync_folder

_log = structlog.get_logger("spool")
MAGIC = b"PHR1"
_HEADER = struct.Struct("<4sII8s")
_COVERED = struct.Struct("<I8s")
HEADER_BYTES = _HEADER.size
MAX_PAYLOAD = 16 * 1024 * 1024
SEGMENT = ".seg"
LOCK = "lock"
Mode = Literal["process", "power"]
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def encode_frame(schema: bytes, payload: bytes) -> bytes:
    """One frame. `schema` is 8 bytes."""
    length = len(payload)
    return _HEADER.pack(MAGIC, length, _checksum(length, schema, payload), schema) + payload


class Frame(msgspec.Struct, frozen=True):
    schema: bytes
    payload: bytes
    end: int  # offset of the byte after it


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no frame: from `start` to `end`."""

    start: int
    end: int


def read_frames(data: bytes, offset: int = 0, *, complete: bool) -> Iterator[Frame | Damage]:
    """Frames and damaged ranges of `data` from `offset`, in order.

    With `complete` the data is all there will ever be, and a torn end is damage; without, it may still be written
    and reading stops before it.
    """
    position = offset
    while position < len(data):
        frame = _frame_at(data, position)
        if frame:
            yield frame
            position = frame.end
            continue
        following = _resync(data, position + 1)
        if following is None:
            if complete:
                yield Damage(position, len(data))
            return
        yield Damage(position, following)
        position = following


def _frame_at(data: bytes, position: int) -> Frame | None:
    if len(data) - position < HEADER_BYTES:
        return None
    magic, length, checksum, schema = _HEADER.unpack_from(data, position)
    start = position + HEADER_BYTES
    end = start + length
    if magic != MAGIC or length > MAX_PAYLOAD or end > len(data):
        return None
    payload = data[start:end]
    return Frame(schema, payload, end) if _checksum(length, schema, payload) == checksum else None


def _resync(data: bytes, position: int) -> int | None:
    """Offset of the next frame that checks out, or None."""
    while (position := data.find(MAGIC, position)) >= 0:
        if _frame_at(data, position):
            return position
        position += 1
    return None


def _checksum(length: int, schema: bytes, payload: bytes) -> int:
    checksum: int = google_crc32c.extend(_checksum_of_head(length, schema), payload)
    return checksum


@lru_cache(maxsize=4096)
def _checksum_of_head(length: int, schema: bytes) -> int:
    """Remembered: the records of a model have few lengths."""
    return int(google_crc32c.value(_COVERED.pack(length, schema)))


def lock_directory(folder: Path) -> int | None:
    """Take the directory's exclusive lock: its open descriptor, or None when another process holds it."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


class SpoolWriter:
    """The open end of the spool. `append` is called by one thread, `seal` and `release` by the shipper's.

    Bounded by `max_bytes` over all its segments. In `process` mode a record survives any death of the process once
    `append` has returned; in `power` mode it also survives power loss (`fdatasync`).
    """

    def __init__(self, folder: Path, mode: Mode, max_bytes: int, segment_bytes: int) -> None:
        self.folder, self._mode = folder, mode
        self._max_bytes, self._segment_bytes = max_bytes, segment_bytes
        self._mutex = threading.Lock()
        self._file: int | None = None
        self._number = 0
        self._offset = 0
        self._sealed_bytes = 0
        try:
            make_folder(folder.parent)
            folder.mkdir()
            sync_folder(folder.parent)
            lock = lock_directory(folder)
        except OSError as error:
            raise SpoolUnusableError(f"{error.filename or folder}: {error.strerror or error}") from error
        if lock is None:
            raise SpoolUnusableError(f"{folder}: another process holds it")
        self._lock = lock

    @property
    def size_bytes(self) -> int:
        """Bytes on disk that have not been released."""
        return self._sealed_bytes + self._offset

    @property
    def current(self) -> Path | None:
        """The segment being written, or None between two."""
        return self._path(self._number) if self._file is not None else None

    def append(self, frames: bytes) -> None:
        """Write whole frames. Raises SpoolFullError, leaving the segment as it was."""
        with self._mutex:
            if self.size_bytes + len(frames) > self._max_bytes:
                raise SpoolFullError(f"the spool holds {self.size_bytes} of at most {self._max_bytes} bytes")
            if self._offset >= self._segment_bytes:
                self._close_segment()
            try:
                self._write(frames)
            except OSError as error:
                self._undo()
                kind = SpoolFullError if error.errno in _NO_ROOM else SpoolUnusableError
                raise kind(f"{self.folder}: {error.strerror}") from error
            self._offset += len(frames)

    def seal(self) -> None:
        """End the current segment, so that it can be released once it is shipped."""
        with self._mutex:
            self._close_segment()

    def release(self, path: Path) -> None:
        """Unlink a segment whose every record has been committed. The one being written is never released."""
        with self._mutex:
            if path == self.current:
                return
            size = path.stat().st_size
            path.unlink()
            self._sealed_bytes -= size

    def close(self) -> None:
        """Give up the lock; an empty directory is removed, one with records stays to be adopted."""
        self.seal()
        if not any(self.folder.glob(f"*{SEGMENT}")):
            (self.folder / LOCK).unlink(missing_ok=True)
            self.folder.rmdir()
        os.close(self._lock)

    def _write(self, frames: bytes) -> None:
        if self._file is None:
            self._open_segment()
        assert self._file is not None
        written = os.write(self._file, frames)
        while written < len(frames):  # a full disk takes a part first and refuses the rest
            written += os.write(self._file, frames[written:])
        if self._mode == "power":
            os.fdatasync(self._file)

    def _open_segment(self) -> None:
        self._number += 1
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self._path(self._number), flags, 0o640)
        self._offset = 0
        if self._mode == "power":
            sync_folder(self.folder)

    def _close_segment(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
            self._sealed_bytes += self._offset
            self._offset = 0

    def _undo(self) -> None:
        """Cut a partial write off; where even that fails, begin a new segment and leave the torn end to the reader."""
        if self._file is None:
            return
        try:
            os.ftruncate(self._file, self._offset)
        except OSError:
            self._close_segment()

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:010d}{SEGMENT}"


class RecordLog(SpoolWriter):
    """The same, with what is appended and what cannot be counted, and said once in the log."""

    def __init__(self, folder: Path, mode: Mode, max_bytes: int, segment_bytes: int, metrics: SpoolMetrics) -> None:
        super().__init__(folder, mode, max_bytes, segment_bytes)
        self._metrics = metrics
        self._failing = False

    def append_records(self, frames: list[bytes]) -> None:
        """Raises SpoolError when they could not be written."""
        try:
            self.append(b"".join(frames))
        except SpoolError as error:
            self._metrics.dropped("full" if isinstance(error, SpoolFullError) else "unusable", len(frames))
            if not self._failing:
                _log.error("predictions are answered but not logged", why=str(error))
            self._failing = True
            raise
        if self._failing:
            self._failing = False
            _log.warning("predictions are logged again")
        self._metrics.appended(len(frames))
