"""Metrics in words and figures. Nothing here draws."""

from __future__ import annotations

from collections.abc import Iterator

from pilothouse.tasks import metric_title
from pilothouse.wire.performance import MetricValue, PerformanceAnswer
from services.frontend.formatting import DASH, number


def sentence(found: PerformanceAnswer) -> str:
    """The service's own sentence; failing that, what is known of the main metric."""
    if found.message:
        said = found.message.rstrip(".")
        if said.lower().startswith(f"{found.metric} "):
            said = metric_title(found.metric) + said[len(found.metric) :]
        return f"{said[:1].upper()}{said[1:]}."
    basis = found.measured if found.basis == "measured" else found.estimated
    value = basis.metrics.get(found.metric)
    return f"{metric_title(found.metric)} is {figure(value)}." if value else "There is no answer yet."


def caveats(found: PerformanceAnswer) -> Iterator[str]:
    """Why a side has no figures, or why an estimate is not to be trusted."""
    if found.measured.status != "measured" and found.measured.message:
        yield f"Measured: {found.measured.message}"
    if found.estimated.status != "estimated" and found.estimated.message:
        yield f"Estimated: {found.estimated.message}"
    if found.estimated.status == "estimated" and found.estimated.method:
        yield f"Estimated by {found.estimated.method}, from what the model itself expects: blind to a changed truth"


def plain_figure(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:.3f}" if abs(value) < 1 else number(value)


def figure(value: MetricValue | None) -> str:
    return plain_figure(value.value if value else None)


def interval(value: MetricValue | None) -> str:
    """From where to where; empty where there is no interval."""
    if value is None or value.low is None or value.high is None:
        return ""
    return f"{plain_figure(value.low)} to {plain_figure(value.high)}"


def with_interval(value: MetricValue | None) -> str:
    return f"{figure(value)} ({interval(value)})" if interval(value) else figure(value)
