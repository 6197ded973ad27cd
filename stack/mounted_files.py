"""Whether the users in the containers can read what is mounted from the clone: a clone made under `umask 077` is closed
to them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534


def unreadable_faults(clone: Path) -> list[str]:
    """A sentence when another user than the owner cannot read a file of the folders in `clone`. Needs root."""
    folders = sorted(clone.iterdir())
    with _as_nobody():
        closed = [path.relative_to(clone) for folder in folders for path in _closed(folder)]
    if not closed:
        return []
    more = f" ({len(closed) - 1} others neither)" if len(closed) > 1 else ""
    named = " ".join(folder.name for folder in folders)
    return [
        f"{closed[0]} cannot be read by the users in the containers{more}: in the clone, run chmod -R go+rX {named}"
    ]


def _closed(folder: Path) -> Iterator[Path]:
    if not os.access(folder, os.R_OK | os.X_OK, effective_ids=True):
        yield folder
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _closed(path)
        elif not os.access(path, os.R_OK, effective_ids=True):
            yield path


@contextmanager
def _as_nobody() -> Iterator[None]:
    groups, group, user = os.getgroups(), os.getegid(), os.geteuid()
    os.setgroups([])
    os.setegid(_NOBODY)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        os.setegid(group)
        os.setgroups(groups)
