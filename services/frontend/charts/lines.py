"""What happened over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd

from services.frontend.charts import ink

HEIGHT = 190
_FEW = 4
_CLOCKS = ((10, "%H:%M:%S.%L"), (600, "%H:%M:%S"), (129_600, "%H:%M"), (400_000, "%d %b %H:%M"))
_DAYS = "%d %b"
Span = tuple[datetime, datetime]


def lines(
    frame: pd.DataFrame, span: Span, dark: bool, *, format: str | None = None, top: float | None = None
) -> alt.Chart:
    """`frame` has time, value and series (in the order of the legend), within `span`. `top` is the least upper end of
    the axis; its figures are written as they are, or in `format`."""
    order = list(dict.fromkeys(frame["series"]))
    few = frame["time"].nunique() < _FEW  # a line of one point is not seen
    highest = float(frame["value"].max())
    axis = _axis(format or ink.figures(highest))
    domain = alt.Undefined if top is None or highest > top else [0, top]
    encoding: dict[str, Any] = {
        "x": _within(span),
        "y": alt.Y("value:Q", title=None, scale=alt.Scale(domain=domain, zero=True), axis=axis),
        "tooltip": [
            alt.Tooltip("series:N", title="Of"),
            alt.Tooltip("value:Q", title="Value", format=format or ",.4~r"),
            alt.Tooltip("time:T", title="At", format="%H:%M:%S"),
        ],
    }
    if len(order) > 1:
        encoding["color"] = alt.Color("series:N", sort=order, legend=ink.legend())
        drawn = alt.Chart(frame).mark_line(strokeWidth=2, point=few)
    else:
        drawn = alt.Chart(frame).mark_line(strokeWidth=2, point=few, color=ink.accent(dark))
    return drawn.encode(**encoding).properties(height=HEIGHT)


def drift_shares(frame: pd.DataFrame, span: Span, limit: float | None, dark: bool) -> alt.LayerChart:
    """`frame` has time, share (0 to 1), verdict and columns (what drifted), within `span`: a step line with a point a
    run."""
    base = alt.Chart(frame).encode(
        x=_within(span),
        y=alt.Y("share:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=_axis("%")),
    )
    shades = alt.Scale(
        domain=["drift", "no drift"], range=[ink.colours(dark)["redColor"], ink.colours(dark)["greenColor"]]
    )
    points = base.mark_point(filled=True, size=45, opacity=1).encode(
        color=alt.Color("verdict:N", scale=shades, legend=ink.legend()),
        tooltip=[
            alt.Tooltip("time:T", title="Scored", format="%Y-%m-%d %H:%M:%S"),
            alt.Tooltip("share:Q", title="Share of columns", format=".0%"),
            alt.Tooltip("verdict:N", title="Verdict"),
            alt.Tooltip("columns:N", title="Drifted"),
        ],
    )
    layers = [base.mark_line(interpolate="step-after", color=ink.muted(dark)), points]
    if limit is not None:
        layers.append(ink.line_at(limit, dark, horizontal=True))
    return alt.layer(*layers).properties(height=HEIGHT)


def intervals(
    frame: pd.DataFrame, name: str, marks: Sequence[tuple[str, float]], dark: bool, span: Span | None = None
) -> alt.LayerChart:
    """`frame` has time, basis (measured, estimated), value, low, high: a line with its band for each basis. `marks` are
    levels with their names: a floor, the reference. Without a `span` it is as long as the data."""
    within = span or (frame["time"].min(), frame["time"].max())
    shades = alt.Scale(domain=["measured", "estimated"], range=[ink.accent(dark), ink.warm(dark)])
    filled = alt.Legend(title=None, orient="top", symbolType="square", symbolOpacity=1, symbolStrokeWidth=0)
    base = alt.Chart(frame).encode(x=_within(within), color=alt.Color("basis:N", scale=shades, legend=filled))
    scale = alt.Scale(zero=False, nice=True)
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", title=name, scale=scale), y2="high:Q")
    line = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=30, filled=True)).encode(
        y=alt.Y("value:Q", title=name, scale=scale, axis=_axis("")),
        strokeDash=alt.StrokeDash(
            "basis:N", scale=alt.Scale(domain=["measured", "estimated"], range=[[1, 0], [5, 3]]), legend=None
        ),
        tooltip=[
            "basis:N",
            *(alt.Tooltip(f"{c}:Q", format=".4~f") for c in ("value", "low", "high")),
            alt.Tooltip("rows:Q", title="rows"),
            alt.Tooltip("time:T", title="until", format="%Y-%m-%d %H:%M"),
        ],
    )
    return alt.layer(band, line, *_levels(marks, dark)).properties(height=260)


def _levels(marks: Sequence[tuple[str, float]], dark: bool) -> list[alt.Chart | alt.LayerChart]:
    if not marks:
        return []
    base = alt.Chart(pd.DataFrame(marks, columns=["name", "at"]))
    rule = base.mark_rule(strokeDash=[4, 3], color=ink.ink(dark), opacity=0.6).encode(y="at:Q")
    return [rule, *(_named(mark, side, dark) for mark, side in zip(marks, ("left", "right"), strict=False))]


def _named(mark: tuple[str, float], side: str, dark: bool) -> alt.LayerChart:
    """The name of a level above its line, on a ground of its own where curves pass; two stand at different ends, as
    they may lie close."""
    at_left = side == "left"
    base = alt.Chart(pd.DataFrame([mark], columns=["name", "at"])).encode(
        x=alt.value(0 if at_left else "width"), y="at:Q", text="name:N"
    )
    place = {"align": "left" if at_left else "right", "dx": 4 if at_left else -4, "dy": -7, "fontSize": 11}
    ground = ink.colours(dark)["backgroundColor"]
    halo = base.mark_text(**place, stroke=ground, strokeWidth=4, strokeJoin="round", color=ground)
    return alt.layer(halo, base.mark_text(**place, color=ink.ink(dark)))


def _within(span: Span) -> alt.X:
    """Time across, with as much of the date and the clock as tells its moments apart."""
    seconds = (span[1] - span[0]).total_seconds()
    format = next((f for limit, f in _CLOCKS if seconds < limit), _DAYS)
    axis = alt.Axis(title=None, labelOverlap=True, grid=False, format=format, tickCount=6)
    return alt.X("time:T", axis=axis, scale=alt.Scale(domain=[moment.isoformat() for moment in span]))


def _axis(format: str) -> alt.Axis:
    return alt.Axis(format=format, tickCount=4, titlePadding=8) if format else alt.Axis(tickCount=5, titlePadding=8)
