"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at (`detail`), and every fault, one sentence each."""

    check: str
    detail: str = ""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All checks of one package folder."""

    folder: Path
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> list[str]:
        """What is wrong, of all checks, one sentence each."""
        return [fault for finding in self.findings for fault in finding.faults]

    @property
    def ok(self) -> bool:
        """Whether there is no fault."""
        return not self.faults
