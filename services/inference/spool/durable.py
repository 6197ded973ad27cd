"""Names that survive power loss: a file or folder that was made is only there for sure once its folder is synced."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make created and renamed names in a folder survive power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, each synced into the one above. Raises OSError."""
    if folder.is_dir():
        return
    if folder.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def write_durably(path: Path, body: bytes) -> bool:
    """Write a file whole or not at all, so that it survives power loss; whether it was not there before."""
    if path.exists():
        return False
    replace_durably(path, body)
    return True


def replace_durably(path: Path, body: bytes) -> None:
    """Write a file whole or not at all, in the place of what was there.

    The name it has before is a random one: containers that share a volume may have the same process number.
    """
    make_folder(path.parent)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)  # a full disk refuses again and again, each time another name
        raise
    sync_folder(path.parent)
