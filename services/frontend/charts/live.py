"""What the stack did over time."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from services.frontend.charts import style

_FEW = 4


def lines(
    frame: pd.DataFrame, span: style.Span, dark: bool, *, format: str | None = None, top: float | None = None
) -> alt.Chart:
    """`frame` has time, value and series (in the order of the legend), within `span`. `top` is the least upper end of
    the axis; its figures are written as they are, or in `format`."""
    order = list(dict.fromkeys(frame["series"]))
    few = frame["time"].nunique() < _FEW  # a line of one point is not seen
    highest = float(frame["value"].max())
    axis = alt.Axis(format=format or style.number_format(highest), tickCount=4, titlePadding=8)
    domain = alt.Undefined if top is None or highest > top else [0, top]
    encoding: dict[str, Any] = {
        "x": style.time_axis(span),
        "y": alt.Y("value:Q", title=None, scale=alt.Scale(domain=domain, zero=True), axis=axis),
        "tooltip": [
            alt.Tooltip("series:N", title="Of"),
            alt.Tooltip("value:Q", title="Value", format=format or ",.4~r"),
            alt.Tooltip("time:T", title="At", format="%H:%M:%S"),
        ],
    }
    several = len(order) > 1
    if several:
        encoding["color"] = alt.Color("series:N", sort=order, legend=style.legend())
    one_colour = {} if several else {"color": style.accent(dark)}
    line = alt.Chart(frame).mark_line(strokeWidth=2, point=few, **one_colour)
    return line.encode(**encoding).properties(height=style.HEIGHT)
