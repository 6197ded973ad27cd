"""How values are spread: a window beside the reference, and one input among the reference's."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from services.frontend.charts import ink
from services.frontend.shapes import Distribution
from services.frontend.text import title
from services.frontend.unusual import DAYS, Place

NOW, THEN = "this window", "training"
_MOST_CATEGORIES = 12
_DAY_MS = 86_400_000
_LEVELS = ["far", "rare", "usual"]


def distribution(column: Distribution, dark: bool, mark: float | None = None) -> alt.Chart | alt.LayerChart:
    """Shares of the values, the training data in grey behind the window. `mark` is one value to point at."""
    if column.kind == "category":
        return _categories(column, dark)
    chart = _histogram(column, dark)
    if mark is None:
        return chart
    value = mark * _DAY_MS if column.unit == DAYS else mark
    line = alt.Chart(pd.DataFrame({"at": [value]})).mark_rule(color=ink.colours(dark)["redColor"], strokeWidth=2)
    return alt.layer(chart, line.encode(x="at:T" if column.unit == DAYS else "at:Q"))


def strip(found: Sequence[Place], dark: bool) -> alt.LayerChart:
    """Each ordered input as a point between the training data's lowest (left) and highest value (right)."""
    rows = [(title(p.column), p.position, p.level, p.value, p.sentence) for p in found if p.position is not None]
    frame = pd.DataFrame(rows, columns=["input", "position", "level", "value", "sentence"])
    frame["lowest"], frame["highest"], frame["quarter"], frame["three"] = 0.0, 1.0, 0.25, 0.75
    shades = alt.Scale(
        domain=_LEVELS, range=[ink.colours(dark)["redColor"], ink.colours(dark)["orangeColor"], ink.accent(dark)]
    )
    base = alt.Chart(frame).encode(y=ink.names("input", list(frame["input"])))
    axis = alt.Axis(
        values=[0, 0.25, 0.5, 0.75, 1], title=None, grid=False, domain=False, ticks=False,
        labelExpr="{'0':'lowest','0.5':'median','1':'highest'}[datum.value] || ''",
    )  # fmt: skip
    x = alt.X("lowest:Q", scale=alt.Scale(domain=[-0.02, 1.02]), axis=axis)
    whole = base.mark_rule(strokeWidth=2, color=ink.muted(dark), opacity=0.7).encode(x=x, x2="highest:Q")
    middle = base.mark_bar(height=9, cornerRadius=3, color=ink.muted(dark)).encode(
        x=alt.X("quarter:Q", axis=axis), x2="three:Q"
    )
    point = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X("position:Q", axis=axis),
        color=alt.Color("level:N", scale=shades, legend=None),
        tooltip=["input:N", "value:N", alt.Tooltip("sentence:N", title="lies")],
    )
    return alt.layer(whole, middle, point).properties(height=24 * len(frame) + 45)


def _histogram(column: Distribution, dark: bool) -> alt.Chart:
    moments = column.unit == DAYS
    scale = _DAY_MS if moments else 1
    rows = [
        (low * scale, high * scale, share, series)
        for series, shares in ((THEN, column.reference), (NOW, column.current or []))
        for low, high, share in zip(column.edges[:-1], column.edges[1:], shares, strict=False)
    ]
    frame = pd.DataFrame(rows, columns=["low", "high", "share", "series"])
    kind = "T" if moments else "Q"
    format = {} if moments else {"format": ink.figures(max(map(abs, column.edges), default=0))}
    axis = alt.Axis(title=None, tickCount=4, grid=False, labelOverlap=True, **format)
    return (
        alt.Chart(frame)
        .mark_bar(opacity=0.62, orient="vertical", binSpacing=0)
        .encode(
            x=alt.X(f"low:{kind}", axis=axis, scale=alt.Scale(zero=False, nice=False)),
            x2="high",
            y=alt.Y("share:Q", axis=None, stack=None),
            y2=alt.datum(0),
            color=alt.Color("series:N", scale=ink.two([NOW, THEN], dark), legend=None),
            tooltip=["series:N", alt.Tooltip("share:Q", format=".1%"), f"low:{kind}", f"high:{kind}"],
        )
        .properties(height=130)
    )


def _categories(column: Distribution, dark: bool) -> alt.Chart:
    kept = column.categories[:_MOST_CATEGORIES]
    rows = [
        (name, share, series)
        for series, shares in ((THEN, column.reference), (NOW, column.current or []))
        for name, share in zip(kept, shares, strict=False)
    ]
    frame = pd.DataFrame(rows, columns=["category", "share", "series"])
    return (
        alt.Chart(frame)
        .mark_bar(opacity=0.85)
        .encode(
            x=alt.X("category:N", sort=kept, axis=alt.Axis(title=None, labelAngle=-35, labelLimit=70, ticks=False)),
            xOffset=alt.XOffset("series:N", sort=[THEN, NOW]),
            y=alt.Y("share:Q", axis=None),
            color=alt.Color("series:N", scale=ink.two([NOW, THEN], dark), legend=None),
            tooltip=["category:N", "series:N", alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(height=130)
    )
