"""A scoring run: the answer on a model's window, and what it was made from."""

from __future__ import annotations

from dataclasses import dataclass

from pilothouse.manifest import Manifest
from pilothouse.wire.drift import DriftAnswer, WindowSpan
from services.drift.records import Rows
from services.drift.reference.baseline import Stamp
from services.drift.reference.reference import Reference
from services.drift.verdict import WindowResult
from services.drift.window import Window, show_moment, window_span


@dataclass(frozen=True, slots=True)
class Basis:
    """What a run was made from: while it is the same, so is the answer. `newest` is the newest record's id.

    `records` is how many there are: those that come late have older ids. `baseline` changes with the package's files,
    and is None where they are not there.
    """

    newest: str | None
    records: int
    baseline: Stamp | None


@dataclass(frozen=True, slots=True)
class Run:
    """`basis` is as it was just before the window was read."""

    answer: DriftAnswer
    window: Window
    at_ms: int
    basis: Basis | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.answer.model, self.answer.version


def run_of(
    manifest: Manifest,
    window: Window,
    result: WindowResult,
    at_ms: int,
    basis: Basis | None = None,
    *,
    compared: tuple[Rows, Reference] | None = None,
) -> Run:
    """The run that found this. `compared` are the records and the reference; None where nothing could be compared."""
    rows, reference = compared or (None, None)
    answer = DriftAnswer(
        model=manifest.name,
        version=manifest.version,
        verdict=result.verdict,
        reason=result.reason,
        message=result.message,
        drift_share=result.drift_share,
        drift_share_limit=manifest.monitoring.drift_share if reference else None,
        drifted_columns=result.drifted,
        alone_columns=result.alone,
        columns=result.columns,
        joint=result.joint,
        rows=result.rows,
        window=window_span(*rows.span_ms(), rows.window_rows) if rows else WindowSpan(),
        reference_rows=reference.rows if reference else None,
        newest=basis.newest if basis else None,
        at=show_moment(at_ms),
    )
    return Run(answer, window, at_ms, basis)
