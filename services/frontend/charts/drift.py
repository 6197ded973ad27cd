"""How far columns moved, since when, and how their values and embeddings lie beside the training data's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import altair as alt
import pandas as pd

from pilothouse.wire.distributions import Distribution, Plane
from pilothouse.wire.drift import ColumnDrift, DriftAnswer
from services.frontend.charts import style
from services.frontend.formatting import TIMES, number, parse_time, title
from services.frontend.outliers import DAYS

POINT = "point"
CURRENT, REFERENCE = "this window", "training"
_MOST_CATEGORIES = 12
_DAY_MS = 86_400_000


def scores(columns: Sequence[ColumnDrift], dark: bool) -> alt.LayerChart:
    """How far each column moved, in multiples of its own threshold, so that methods can stand side by side."""
    ordered = sorted((c for c in columns if c.score is not None), key=lambda c: c.excess, reverse=True)
    rows = [
        (title(c.name), c.excess, bool(c.drifted), number(c.score or 0), number(c.threshold or 0), c.stattest)
        for c in ordered
    ]
    frame = pd.DataFrame(rows, columns=["column", "excess", "drifted", "score", "threshold", "method"])
    frame["said"] = [f"{e:.2f}{TIMES}" for e in frame["excess"]]
    furthest = max(1.25, float(frame["excess"].max()))
    base = alt.Chart(frame).encode(y=style.names("column", list(frame["column"])))
    bars = base.mark_bar(cornerRadiusEnd=3, height=14).encode(
        x=alt.X("excess:Q", axis=None, scale=alt.Scale(domain=[0, furthest * 1.25])),
        color=style.emphasis("drifted", dark, style.colours(dark)["redColor"]),
        tooltip=["column:N", "score:N", "threshold:N", "method:N"],
    )
    said = base.mark_text(align="right", color=style.text_colour(dark)).encode(x=alt.value("width"), text="said:N")
    return alt.layer(bars, said, style.line_at(1, dark)).properties(height=26 * len(frame) + 10)


def shares(runs: Iterable[DriftAnswer], span: style.Span, limit: float | None, dark: bool) -> alt.LayerChart:
    """The share of drifted columns of every run (newest first) within `span`: a step line with a point a run."""
    rows = [
        (parse_time(r.at), r.drift_share, r.verdict, ", ".join(c.name for c in r.columns if c.drifted)[:120])
        for r in reversed(list(runs))
    ]
    base = alt.Chart(pd.DataFrame(rows, columns=["time", "share", "verdict", "columns"])).encode(
        x=style.time_axis(span),
        y=alt.Y("share:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=4)),
    )
    colours = style.colours(dark)
    shades = alt.Scale(domain=["drift", "no drift"], range=[colours["redColor"], colours["greenColor"]])
    points = base.mark_point(filled=True, size=45, opacity=1).encode(
        color=alt.Color("verdict:N", scale=shades, legend=style.legend()),
        tooltip=[
            alt.Tooltip("time:T", title="Scored", format="%Y-%m-%d %H:%M:%S"),
            alt.Tooltip("share:Q", title="Share of columns", format=".0%"),
            alt.Tooltip("verdict:N", title="Verdict"),
            alt.Tooltip("columns:N", title="Drifted"),
        ],
    )
    layers = [base.mark_line(interpolate="step-after", color=style.muted(dark)), points]
    if limit is not None:
        layers.append(style.line_at(limit, dark, horizontal=True))
    return alt.layer(*layers).properties(height=style.HEIGHT)


def distribution(column: Distribution, dark: bool) -> alt.Chart:
    """Shares of the values, the training data in grey behind the window."""
    return _categories(column, dark) if column.kind == "category" else _histogram(column, dark)


def plane(found: Plane, dark: bool) -> alt.LayerChart:
    """Training and window as two clouds of points. A press selects the nearest point of the window, by its id, under
    the name POINT."""
    pressed = alt.selection_point(name=POINT, fields=["id"], nearest=True)
    training = _cloud(found, found.reference, [""] * len(found.reference), REFERENCE, dark)
    ids = [*found.current_ids, *[""] * len(found.current)]
    window = _cloud(found, found.current, ids, CURRENT, dark).add_params(pressed)
    size = alt.condition(pressed, alt.value(140), alt.value(26), empty=False)
    return alt.layer(training, window.encode(size=size, tooltip=["of:N", "id:N"])).properties(height=420)


def _cloud(found: Plane, points: Sequence[tuple[float, float]], ids: Sequence[str], of: str, dark: bool) -> alt.Chart:
    axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    first, second = (f"component ({share:.0%} of the variance)" for share in found.explained)
    scale = alt.Scale(zero=False)
    rows = [(x, y, of, i) for (x, y), i in zip(points, ids, strict=False)]
    dots = alt.Chart(pd.DataFrame(rows, columns=["x", "y", "of", "id"])).mark_point(filled=True, size=26, opacity=0.8)
    return dots.encode(
        x=alt.X("x:Q", title=f"first {first}", axis=axis, scale=scale),
        y=alt.Y("y:Q", title=f"second {second}", axis=axis, scale=scale),
        color=alt.Color("of:N", scale=style.two_colours([CURRENT, REFERENCE], dark), legend=style.legend()),
    )


def _histogram(column: Distribution, dark: bool) -> alt.Chart:
    dates, edges = column.unit == DAYS, column.edges or []
    scale, kind = (_DAY_MS, "T") if dates else (1, "Q")
    rows = [
        (low * scale, high * scale, share, series)
        for series, shares in _series(column)
        for low, high, share in zip(edges[:-1], edges[1:], shares, strict=False)
    ]
    format = {} if dates else {"format": style.number_format(max(map(abs, edges), default=0))}
    axis = alt.Axis(title=None, tickCount=4, grid=False, labelOverlap=True, **format)
    bars = alt.Chart(pd.DataFrame(rows, columns=["low", "high", "share", "series"])).mark_bar(
        opacity=0.62, orient="vertical", binSpacing=0
    )
    return bars.encode(
        x=alt.X(f"low:{kind}", axis=axis, scale=alt.Scale(zero=False, nice=False)),
        x2="high",
        y=alt.Y("share:Q", axis=None, stack=None),
        y2=alt.datum(0),
        color=_series_colour(dark),
        tooltip=["series:N", alt.Tooltip("share:Q", format=".1%"), f"low:{kind}", f"high:{kind}"],
    ).properties(height=130)


def _categories(column: Distribution, dark: bool) -> alt.Chart:
    kept = (column.categories or [])[:_MOST_CATEGORIES]
    rows = [
        (name, share, series) for series, shares in _series(column) for name, share in zip(kept, shares, strict=False)
    ]
    bars = alt.Chart(pd.DataFrame(rows, columns=["category", "share", "series"])).mark_bar(opacity=0.85)
    axis = alt.Axis(title=None, labelAngle=-35, labelLimit=70, ticks=False)
    return bars.encode(
        x=alt.X("category:N", sort=kept, axis=axis),
        xOffset=alt.XOffset("series:N", sort=[REFERENCE, CURRENT]),
        y=alt.Y("share:Q", axis=None),
        color=_series_colour(dark),
        tooltip=["category:N", "series:N", alt.Tooltip("share:Q", format=".1%")],
    ).properties(height=130)


def _series(column: Distribution) -> list[tuple[str, list[float]]]:
    return [(REFERENCE, column.reference), (CURRENT, column.current or [])]


def _series_colour(dark: bool) -> alt.Color:
    return alt.Color("series:N", scale=style.two_colours([CURRENT, REFERENCE], dark), legend=None)
