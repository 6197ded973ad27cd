"""The collector's exceptions. They carry facts; `app.py` maps those that a caller can see to a status.

PilothouseError
└── CollectorError
    ├── MalformedError        a body or a query that cannot be understood (a list of faults, each with its path)
    │   └── SchemaMismatchError   a manifest that is not the one of the address it was sent to
    ├── TooLargeError         a body, or the number of its rows, over a limit
    ├── UnsupportedError      a content type or an encoding that is not supported
    ├── NotAnnouncedError     a model version that was never announced
    ├── SchemaConflictError   the same model version with other columns
    ├── MissingDayError       there is no partition for a record's day; it is made and the batch tried again
    ├── LeaseLostError        another collector has taken over the work
    ├── IncompleteDayError    a day could not be archived completely; it is tried again
    ├── NotArchivedError      a day is due to be dropped and is not in the archive; it is kept
    ├── NoArchiveError        something was asked of the archive, and there is none
    ├── DatabaseAddressError  a database URL that is not one
    └── UnavailableError      the database cannot be used at the moment; nothing was stored; try again
"""

from __future__ import annotations

from pilothouse.errors import Fault, PilothouseError


class CollectorError(PilothouseError):
    """Everything that the collector raises on purpose."""


class MalformedError(CollectorError):
    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{f.path}: {f.message}" if f.path else f.message for f in faults[:5]))
        self.faults = list(faults)


class SchemaMismatchError(MalformedError):
    """A manifest that is not the one of the address it was sent to, or that no table can be made for."""


class TooLargeError(CollectorError):
    """A body, decoded or not, or the number of its rows, over a limit. The sender should halve its batch."""


class UnsupportedError(CollectorError):
    """A content type or an encoding that is not supported."""


class NotAnnouncedError(CollectorError):
    def __init__(self, model: str, version: str | None) -> None:
        key = f"{model}/{version}" if version else model
        super().__init__(f"{key} was never announced; PUT /v1/models/{model}/{version or 'VERSION'} its manifest first")
        self.model, self.version = model, version


class SchemaConflictError(CollectorError):
    """`differences` says which columns are new, gone or of another kind."""

    def __init__(self, model: str, version: str, differences: list[str]) -> None:
        shown = "; ".join(differences[:8]) or "the order of the columns differs"
        super().__init__(f"{model}/{version} is known with other columns ({shown}); give the model a new version")
        self.model, self.version, self.differences = model, version, differences


class MissingDayError(CollectorError):
    """There is no partition for the day of a record: somebody has dropped it since it was last seen."""


class LeaseLostError(CollectorError):
    """Work that one collector does at a time was taken over by another."""


class IncompleteDayError(CollectorError):
    """Not all records of a day could be read, or the archive's file of it is gone: nothing was written."""


class NotArchivedError(CollectorError):
    """The archive lacks some of a day that is due: what was dropped of it is taken back."""


class NoArchiveError(CollectorError):
    """There is no archive here."""


class DatabaseAddressError(CollectorError):
    """A database URL that is not one. The message never holds the password."""


class UnavailableError(CollectorError):
    """The database cannot be used at the moment; nothing was stored. `reason` is in words and without secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def printable(text: str, length: int = 120) -> str:
    """A caller's text as ASCII, for messages and logs."""
    return text[:length].encode("ascii", "backslashreplace").decode().replace("\0", "\\x00")
