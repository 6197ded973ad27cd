"""The library's exceptions. They carry facts; services map them to a status in one table.

PilothouseError
├── PackageError          a model package that cannot be used
│   ├── ManifestError     manifest.yaml is missing or wrong
│   ├── IntegrityError    a file is missing or its sha256 differs
│   └── ParityError       the exported graph and the torch model disagree
├── InputError            a caller's input does not fit the manifest (a list of faults, each with its path)
│   ├── TooLarge          an image or a batch over its limit
│   └── NotAnImage        bytes that are no image of a supported format
├── OutputError           the model's answer is not a number
├── LabelError            a label that is no class of the model, or no number
├── RemoteError           another service answered with an error, or not at all
├── ArchiveAddressError   an address that is not one of an archive
└── ArchiveAwayError      the archive cannot be read or written now
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class PilothouseError(Exception):
    """Everything that this library raises on purpose."""


class PackageError(PilothouseError):
    """A model package that cannot be used."""


class ManifestError(PackageError):
    """`manifest.yaml` is missing, or is not a manifest; `detail` names every fault."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path, self.detail = path, detail


class IntegrityError(PackageError):
    """A file of the package is missing, or is not the one that was packed."""


class ParityError(PackageError):
    """The exported graph and the torch model disagree by more than the tolerance."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input. `path` as in `instances[3].year_built`; `code` is a stable word."""

    path: str
    code: str
    message: str


class InputError(PilothouseError):
    """A caller's input does not fit the manifest."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{f.path}: {f.message}" if f.path else f.message for f in faults[:20]))
        self.faults = faults


class TooLarge(InputError):
    """An image, a body or a batch over its limit."""


class NotAnImage(InputError):
    """Bytes that are no image of a supported format."""


class OutputError(PilothouseError):
    """The model answered NaN or infinity, or another shape than its manifest says."""


class LabelError(PilothouseError):
    """A label that is no class of the model, or no finite number. `code` is a stable word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RemoteError(PilothouseError):
    """Another service answered with an error (`status` and its problem), or did not answer (`status` None)."""

    def __init__(self, url: str, status: int | None, detail: str) -> None:
        super().__init__(f"{url}: {status or 'no answer'}: {detail}")
        self.url, self.status, self.detail = url, status, detail


class ArchiveAddressError(PilothouseError):
    """An address that is not one of an archive; the message says what would be."""


class ArchiveAwayError(PilothouseError):
    """The archive cannot be read or written now; the message says why, in one line."""
