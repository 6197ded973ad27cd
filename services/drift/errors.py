"""What can go wrong in the drift service. A reason that a person can act on is a verdict, not an error: see `verdict`.

DriftError
├── UnknownModelError     no package of that name or version
├── ModelNeededError      there are several models and the caller named none
├── WindowError           a window that cannot be understood
├── UnknownColumnError    a column that the model's log does not have
├── NoEmbeddingError      the model has no embedding to show
├── ReferenceFault        the reference cannot be used; carries the reason code
├── CollectorAwayError    the records cannot be read now
└── ReportError           Evidently's report could not be made
    ├── ReportsBusyError      too many reports are being made to begin another
    └── UnknownReportError    no such report is being made or kept
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pilothouse.errors import PilothouseError


class DriftError(PilothouseError):
    """Everything that the drift service raises on purpose."""


class UnknownModelError(DriftError):
    def __init__(self, name: str, version: str | None, known: Sequence[str]) -> None:
        wanted = f"{name} {version}" if version else name
        super().__init__(f"there is no package of {wanted!r}; there are: {', '.join(known) or 'none'}")


class ModelNeededError(DriftError):
    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(f"say which model: `model` is one of {', '.join(known) or '(there are no packages)'}")


class WindowError(DriftError):
    """A window that cannot be understood; the message says what would be."""


class UnknownColumnError(DriftError):
    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no column {name[:60]!r}; there are: {', '.join(known)}")


class NoEmbeddingError(DriftError):
    def __init__(self, model: str, why: str) -> None:
        super().__init__(f"{model} has no embedding: {why}")


class ReferenceFault(DriftError):
    """The reference cannot be used. `reason` is a verdict's reason code."""

    def __init__(self, reason: Literal["reference-missing", "reference-damaged"], detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class CollectorAwayError(DriftError):
    """The collector does not answer, or not with records."""


class ReportError(DriftError):
    """Evidently's report could not be made; the message says why."""


class ReportsBusyError(ReportError):
    def __init__(self, pending: int) -> None:
        super().__init__(f"{pending} reports are being made; another is begun when one of them is done")


class UnknownReportError(ReportError):
    def __init__(self, report: str) -> None:
        super().__init__(f"report {report!r} is neither being made nor kept; ask /drift-report again")
