"""A scoring run: what was said of a model's window, when, and of which records."""

from __future__ import annotations

from dataclasses import dataclass

from pilothouse.manifest import Manifest
from pilothouse.wire.drift import DriftAnswer
from services.drift.reference.baseline import Stamp
from services.drift.verdict import WindowResult
from services.drift.window import Window, show_moment, window_span


@dataclass(frozen=True, slots=True)
class Basis:
    """What a run was made from: while it is the same, so is what would be said. `newest` is the newest record's id.

    `records` is how many there are: those that come late have older ids. `baseline` changes with the package's files,
    and is None where they are not there.
    """

    newest: str | None
    records: int
    baseline: Stamp | None


@dataclass(frozen=True, slots=True)
class Run:
    """`basis` is as it was just before the window was read. `stale` says that the collector has been away
    since: the verdict is an old one."""

    model: str
    version: str
    window: Window
    result: WindowResult
    at_ms: int
    basis: Basis | None = None
    window_rows: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    reference_rows: int | None = None
    drift_share_limit: float | None = None
    stale: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.model, self.version

    @property
    def newest(self) -> str | None:
        """The newest record's id when the window was read."""
        return self.basis.newest if self.basis else None

    def answer(self) -> DriftAnswer:
        """As /drift answers it and the collector keeps it."""
        result = self.result
        return DriftAnswer(
            model=self.model,
            version=self.version,
            verdict=result.verdict,
            reason=result.reason,
            message=f"{result.message}; {self.stale}" if self.stale else result.message,
            stale=self.stale is not None,
            drift_share=result.drift_share,
            drift_share_limit=self.drift_share_limit,
            drifted_columns=result.drifted,
            columns=result.columns,
            joint=result.joint,
            rows=result.rows,
            window=window_span(self.first_ms, self.last_ms, self.window_rows),
            reference_rows=self.reference_rows,
            newest=self.newest,
            at=show_moment(self.at_ms),
        )


def empty_run(manifest: Manifest, window: Window, result: WindowResult, at_ms: int, basis: Basis | None = None) -> Run:
    """A run that compared nothing; `result` says why."""
    return Run(manifest.name, manifest.version, window, result, at_ms, basis)
