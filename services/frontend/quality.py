"""How good a model is, in words and figures. Nothing here draws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from services.frontend.performance import Interval, Performance
from services.frontend.text import DASH, moment, number

_Side = tuple[Interval | None, int]
_NAMES = {
    "accuracy": "Accuracy", "f1": "F1", "roc_auc": "ROC AUC", "pr_auc": "PR AUC", "log_loss": "Log loss",
    "brier": "Brier score", "mae": "Mean absolute error", "rmse": "RMSE", "r2": "R²", "mape": "MAPE", "bias": "Bias",
}  # fmt: skip


def metric_name(name: str) -> str:
    return _NAMES.get(name, name)


def sentence(found: Performance) -> str:
    """The service's own sentence; failing that, what is known of the main metric."""
    if found.message:
        said = found.message.rstrip(".")
        if said.lower().startswith(f"{found.metric} "):
            said = metric_name(found.metric) + said[len(found.metric) :]
        return f"{said[:1].upper()}{said[1:]}."
    basis = found.measured if found.basis == "measured" else found.estimated
    value = basis.metrics.get(found.metric)
    return f"{metric_name(found.metric)} is {figure(value)}." if value else "There is no answer yet."


def caveats(found: Performance) -> Iterator[str]:
    """Why a side has no figures, or why an estimate is not to be trusted."""
    if found.measured.status != "measured" and found.measured.message:
        yield f"Measured: {found.measured.message}"
    if found.estimated.status != "estimated" and found.estimated.message:
        yield f"Estimated: {found.estimated.message}"
    if found.estimated.status == "estimated" and found.estimated.method:
        yield f"Estimated by {found.estimated.method}, from what the model itself expects: blind to a changed truth"


def plain_figure(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1 else number(value)


def figure(value: Interval | None) -> str:
    return DASH if value is None else plain_figure(value.value)


def interval(value: Interval | None) -> str:
    if value is None or value.low is None or value.high is None:
        return "No interval"
    return f"{plain_figure(value.low)} to {plain_figure(value.high)}, with 95% confidence"


def with_interval(value: Interval | None) -> str:
    if value is None or value.low is None or value.high is None:
        return figure(value)
    return f"{figure(value)} ({plain_figure(value.low)} to {plain_figure(value.high)})"


def marks(found: Performance) -> list[tuple[str, float]]:
    """Levels worth a line: the floor, and the metric on the reference."""
    levels = [("floor", found.floor), ("on the reference", found.reference.metrics.get(found.metric))]
    return [(name, value) for name, value in levels if value is not None]


def over_time(found: Performance) -> pd.DataFrame:
    """The main metric by stretch and basis: time, basis, value, low, high, rows."""
    stretches = ((s.end, (s.measured, s.labelled), (s.estimated, s.rows)) for s in found.over_time)
    return _by_basis(stretches)


def run_by_run(runs: Sequence[Performance]) -> pd.DataFrame:
    """The main metric of past runs (newest first), with the columns of `over_time`, oldest first."""
    return _by_basis(
        (r.at, (r.measured.metrics.get(r.metric), r.labelled_rows), (r.estimated.metrics.get(r.metric), r.rows))
        for r in reversed(runs)
    )


def _by_basis(found: Iterable[tuple[str | None, _Side, _Side]]) -> pd.DataFrame:
    rows = [
        (moment(at), basis, part.value, part.low, part.high, rows)
        for at, measured, estimated in found
        for basis, (part, rows) in (("measured", measured), ("estimated", estimated))
        if part is not None
    ]
    return pd.DataFrame(rows, columns=["time", "basis", "value", "low", "high", "rows"])
