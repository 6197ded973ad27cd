"""A model package on disk: `models/NAME/VERSION/` with its manifest, artifact, reference and model card."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pilothouse.errors import IntegrityError, ManifestError, PackageError
from pilothouse.manifest import File, Manifest

MANIFEST = "manifest.yaml"
REFERENCE = "reference.parquet"
CARD = "MODEL_CARD.md"


@dataclass(frozen=True, slots=True)
class Package:
    """A folder whose manifest has been read; `verify` says whether its files are those that were packed."""

    manifest: Manifest
    folder: Path

    @property
    def artifact(self) -> Path:
        """The graph. Raises ManifestError for an external model, which has none."""
        if self.manifest.artifact is None:
            raise ManifestError(self.folder / MANIFEST, "this model is served elsewhere: it has no artifact")
        return self.folder / self.manifest.artifact

    @property
    def reference(self) -> Path:
        """The parquet file that drift compares with."""
        return self.folder / REFERENCE

    @property
    def card(self) -> Path:
        """The model card, Markdown."""
        return self.folder / CARD

    def verify(self, *names: str) -> None:
        """Compare files (all of them, or the named ones) with the manifest's sha256; raises IntegrityError."""
        faults = self.faults(*names)
        if faults:
            raise IntegrityError(f"{self.folder}: " + "; ".join(faults))

    def faults(self, *names: str) -> list[str]:
        """What is wrong with the files, one sentence each; empty when all is well."""
        wanted = names or tuple(self.manifest.files)
        if not self.manifest.files:
            return ["the manifest lists no files"]
        return [fault for name in wanted if (fault := self._fault(name))]

    def _fault(self, name: str) -> str | None:
        listed = self.manifest.files.get(name)
        path = self.folder / name
        if listed is None:
            return f"{name} is not listed in the manifest"
        if not path.resolve().is_relative_to(self.folder.resolve()):
            return f"{name} lies outside the package"
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != listed.bytes or sha256(path) != listed.sha256:
            return f"{name} is not the file that was packed (its size or sha256 differs)"
        return None


def open_package(folder: Path, *, verify: bool = True) -> Package:
    """Read a package. Raises ManifestError or, with `verify`, IntegrityError."""
    package = Package(Manifest.read(folder / MANIFEST), folder)
    if verify:
        package.verify()
    return package


def package_folders(root: Path) -> list[Path]:
    """The folders below `root` (NAME/VERSION) that hold a manifest, sorted, oldest version first."""
    return sorted((path.parent for path in root.glob(f"*/*/{MANIFEST}")), key=lambda f: (f.parent.name, order(f.name)))


def order(version: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts versions as people do: 2 before 10, 1.9 before 1.10."""
    parts = version.replace("-", ".").replace("_", ".").split(".")
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts)


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_files(manifest: Manifest, folder: Path) -> Manifest:
    """Fill in size and sha256 of every file in `folder`, write manifest.yaml there, and return the manifest."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    files = {str(p.relative_to(folder)): File(sha256=sha256(p), bytes=p.stat().st_size) for p in paths}
    complete = manifest.model_copy(update={"files": files})
    complete.write(folder / MANIFEST)
    return complete


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
