"""The folder of a new package: whole, or not there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pilothouse.errors import PackageError
from pilothouse.manifest import Manifest


@contextmanager
def fresh_folder(into: Path, manifest: Manifest, *, overwrite: bool) -> Iterator[Path]:
    """A temporary folder that becomes `into/name/version` when all went well, and vanishes when not.

    Raises PackageError when that exists, unless `overwrite`.
    """
    final = into / manifest.name / manifest.version
    if final.exists() and not overwrite:
        raise PackageError(f"{final} exists; a version is not changed once it is packed (overwrite=True insists)")
    final.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".packing-", dir=into))
    try:
        yield folder
        folder.chmod(0o755)  # mkdtemp makes it private, and services run as other users
        if final.exists():
            final.replace(folder.with_name(folder.name + "-old"))
        folder.replace(final)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder.with_name(folder.name + "-old"), ignore_errors=True)
        if final.parent.is_dir() and not any(final.parent.iterdir()):
            final.parent.rmdir()
