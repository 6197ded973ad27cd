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


def lines(
    frame: pd.DataFrame, span: tuple[datetime, datetime], dark: bool, *, format: str = "~s", top: float | None = None
) -> alt.Chart:
    """`frame` has time, value and series (in the order of the legend), within `span`. `top` is the least upper end of
    the axis."""
    order = list(dict.fromkeys(frame["series"]))
    few = frame["time"].nunique() < _FEW  # a line of one point is not seen
    domain = alt.Undefined if top is None or frame["value"].max() > top else [0, top]
    encoding: dict[str, Any] = {
        "x": _within(span),
        "y": alt.Y("value:Q", title=None, scale=alt.Scale(domain=domain, zero=True), axis=_axis(format)),
        "tooltip": [
            alt.Tooltip("series:N", title="Of"),
            alt.Tooltip("value:Q", title="Value", format=".3~s"),
            alt.Tooltip("time:T", title="At", format="%H:%M:%S"),
        ],
    }
    if len(order) > 1:
        encoding["color"] = alt.Color("series:N", sort=order, legend=ink.legend())
        drawn = alt.Chart(frame).mark_line(strokeWidth=2, point=few)
    else:
        drawn = alt.Chart(frame).mark_line(strokeWidth=2, point=few, color=ink.accent(dark))
    return drawn.encode(**encoding).properties(height=HEIGHT)


def drift_shares(
    frame: pd.DataFrame, span: tuple[datetime, datetime], limit: float | None, dark: bool
) -> alt.LayerChart:
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


def intervals(frame: pd.DataFrame, name: str, marks: Sequence[tuple[str, float]], dark: bool) -> alt.LayerChart:
    """`frame` has time, basis (measured, estimated), value, low, high: a line with its band for each basis. `marks` are
    levels with their names: a floor, the reference."""
    shades = alt.Scale(domain=["measured", "estimated"], range=[ink.accent(dark), ink.warm(dark)])
    base = alt.Chart(frame).encode(x=_time("time"), color=alt.Color("basis:N", scale=shades, legend=ink.legend()))
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


def _levels(marks: Sequence[tuple[str, float]], dark: bool) -> list[alt.Chart]:
    if not marks:
        return []
    base = alt.Chart(pd.DataFrame(marks, columns=["name", "at"]))
    rule = base.mark_rule(strokeDash=[4, 3], color=ink.ink(dark), opacity=0.6).encode(y="at:Q")
    return [rule, *(_named(mark, side, dark) for mark, side in zip(marks, ("left", "right"), strict=False))]


def _named(mark: tuple[str, float], side: str, dark: bool) -> alt.Chart:
    """The name of a level above its line; two stand at different ends, as they may lie close."""
    at_left = side == "left"
    text = alt.Chart(pd.DataFrame([mark], columns=["name", "at"])).mark_text(
        align="left" if at_left else "right", dx=4 if at_left else -4, dy=-7, color=ink.ink(dark), fontSize=11
    )
    return text.encode(x=alt.value(0 if at_left else "width"), y="at:Q", text="name:N")


def _within(span: tuple[datetime, datetime]) -> alt.X:
    return _time("time").scale(domain=[moment.isoformat() for moment in span])


def _time(field: str) -> alt.X:
    axis = alt.Axis(title=None, labelOverlap=True, tickCount=6, grid=False)
    return alt.X(f"{field}:T", axis=axis)


def _axis(format: str) -> alt.Axis:
    return alt.Axis(format=format, tickCount=4, titlePadding=8) if format else alt.Axis(tickCount=5, titlePadding=8)
