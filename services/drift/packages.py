"""The packages that are watched: whatever lies in the models folder now."""

from __future__ import annotations

from pathlib import Path

import structlog

from pilothouse.errors import PackageError
from pilothouse.package import MANIFEST, Package, open_package, order, package_folders
from services.drift.errors import ModelNeededError, UnknownModelError


class WatchedPackages:
    """Packages by name and version. The folder is looked through each time, so that a new package needs no restart;
    a manifest is parsed again only when its file has changed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[Path, tuple[int, Package | None]] = {}

    def packages(self) -> list[Package]:
        """Every package that can be read, by name, oldest version first."""
        folders = package_folders(self._root)
        self._read = {f: self._read[f] for f in folders if f in self._read}
        found = (self._open(folder) for folder in folders)
        return [package for package in found if package is not None]

    def versions(self, name: str | None) -> list[Package]:
        """All versions of a model, the oldest first; without a name, of the only model there is.

        Raises ModelNeededError or UnknownModelError.
        """
        packages = self.packages()
        names = sorted({p.manifest.name for p in packages})
        if name is None:
            if len(names) != 1:
                raise ModelNeededError(names)
            name = names[0]
        versions = sorted((p for p in packages if p.manifest.name == name), key=lambda p: order(p.manifest.version))
        if not versions:
            raise UnknownModelError(name, None, [p.manifest.key for p in packages])
        return versions

    def _open(self, folder: Path) -> Package | None:
        stamp = _modified(folder / MANIFEST)
        known = self._read.get(folder)
        if known is not None and known[0] == stamp:
            return known[1]
        package: Package | None
        try:
            package = open_package(folder, verify=False)
        except PackageError as error:
            structlog.get_logger("packages").error("a package cannot be read", folder=str(folder), why=str(error))
            package = None
        self._read[folder] = (stamp, package)
        return package


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return -1
