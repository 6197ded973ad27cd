"""How good a model was over time, and where its predictions go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import altair as alt
import pandas as pd

from pilothouse.wire.performance import (
    ConfusionMatrix,
    MetricValue,
    PerformanceAnswer,
    ReliabilityBin,
    Residuals,
    SegmentSlice,
)
from services.frontend.charts import style
from services.frontend.formatting import parse_time

Level = tuple[str, float]
_BASES = ("measured", "estimated")
_Side = tuple[MetricValue | None, int]


def over_time(found: PerformanceAnswer) -> pd.DataFrame:
    """The main metric by time slice and basis: time, basis, value, low, high, rows."""
    return _by_basis((s.end, (s.measured, s.labelled), (s.estimated, s.rows)) for s in found.over_time)


def run_by_run(runs: Sequence[PerformanceAnswer]) -> pd.DataFrame:
    """The main metric of past runs (newest first), with the columns of `over_time`, oldest first."""
    return _by_basis(
        (r.at, (r.measured.metrics.get(r.metric), r.labelled_rows), (r.estimated.metrics.get(r.metric), r.rows))
        for r in reversed(runs)
    )


def levels(found: PerformanceAnswer) -> list[Level]:
    """Levels worth a line: the floor, and the metric on the reference."""
    known = [("floor", found.floor), ("on the reference", found.reference.metrics.get(found.metric))]
    return [(name, value) for name, value in known if value is not None]


def intervals(
    frame: pd.DataFrame, name: str, marks: Sequence[Level], dark: bool, span: style.Span | None = None
) -> alt.LayerChart:
    """`frame` as `over_time` makes it: a line with its band for each basis, and `marks` across. Without a `span` it is
    as long as the data."""
    within = span or (frame["time"].min(), frame["time"].max())
    filled = alt.Legend(title=None, orient="top", symbolType="square", symbolOpacity=1, symbolStrokeWidth=0)
    color = alt.Color("basis:N", scale=_basis_colours(dark), legend=filled)
    base = alt.Chart(frame).encode(x=style.time_axis(within), color=color)
    scale = alt.Scale(zero=False, nice=True)
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", title=name, scale=scale), y2="high:Q")
    line = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=30, filled=True)).encode(
        y=alt.Y("value:Q", title=name, scale=scale, axis=alt.Axis(tickCount=5, titlePadding=8)),
        strokeDash=alt.StrokeDash("basis:N", scale=alt.Scale(domain=_BASES, range=[[1, 0], [5, 3]]), legend=None),
        tooltip=[
            "basis:N",
            *_interval_tooltips(),
            alt.Tooltip("rows:Q", title="rows"),
            alt.Tooltip("time:T", title="until", format="%Y-%m-%d %H:%M"),
        ],
    )
    return alt.layer(band, line, *_level_lines(marks, dark)).properties(height=260)


def segments(found: Sequence[SegmentSlice], name: str, marks: Sequence[Level], dark: bool) -> alt.LayerChart:
    """The metric in each segment with its interval, measured where there are labels and estimated."""
    rows = [
        (s.segment, basis, part.value, part.low, part.high, s.rows, s.labelled)
        for s in found
        for basis, part in zip(_BASES, (s.measured, s.estimated), strict=True)
        if part is not None
    ]
    columns = ["segment", "basis", "value", "low", "high", "rows", "labelled"]
    base = alt.Chart(pd.DataFrame(rows, columns=columns)).encode(
        y=style.names("segment", [s.segment for s in found]),
        yOffset=alt.YOffset("basis:N", sort=list(_BASES)),
        color=alt.Color("basis:N", scale=_basis_colours(dark), legend=style.legend()),
        tooltip=["segment:N", "basis:N", *_interval_tooltips(), "rows:Q", "labelled:Q"],
    )
    scale = alt.Scale(zero=False)
    spans = base.mark_rule(strokeWidth=2, opacity=0.6).encode(x=alt.X("low:Q", title=name, scale=scale), x2="high:Q")
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x=alt.X("value:Q", title=name, scale=scale))
    return alt.layer(spans, points, *(style.line_at(at, dark) for _, at in marks)).properties(
        height=44 * max(len(found), 1) + 110
    )


def confusion(found: ConfusionMatrix, dark: bool) -> alt.LayerChart:
    """Truth down, prediction across; the shade is the share of the row, the figure the count."""
    rows = []
    for truth, counts in zip(found.classes, found.counts, strict=True):
        total = sum(counts) or 1
        rows += [(truth, said, n, n / total) for said, n in zip(found.classes, counts, strict=True)]
    frame = pd.DataFrame(rows, columns=["truth", "predicted", "count", "share"])
    side = max(34, min(64, 420 // max(len(found.classes), 1)))
    axis = alt.Axis(ticks=False, domain=False, labelLimit=100)
    base = alt.Chart(frame).encode(
        x=alt.X("predicted:N", sort=found.classes, title="predicted", axis=axis),
        y=alt.Y("truth:N", sort=found.classes, title="true", axis=axis),
        tooltip=["truth:N", "predicted:N", "count:Q", alt.Tooltip("share:Q", title="of that truth", format=".1%")],
    )
    colours = style.colours(dark)
    shades = alt.Scale(domain=[0, 1], range=[colours["secondaryBackgroundColor"], style.accent(dark)])
    cells = base.mark_rect(cornerRadius=3, stroke=colours["backgroundColor"], strokeWidth=2).encode(
        color=alt.Color("share:Q", scale=shades, legend=None)
    )
    on_dark, on_light = alt.value("#ffffff"), alt.value(style.text_colour(dark))
    text = base.mark_text(fontSize=11).encode(
        text="count:Q", color=alt.condition("datum.share > 0.5", on_dark, on_light)
    )
    return alt.layer(cells, text.transform_filter("datum.count > 0")).properties(height=side * len(found.classes) + 110)


def residuals(found: Residuals, unit: str, dark: bool) -> alt.LayerChart:
    """How far predictions lay from the truth, with a line at none. `unit` stands behind the axis's title."""
    rows = list(zip(found.edges[:-1], found.edges[1:], found.counts, strict=False))
    axis = alt.Axis(format=style.number_format(max(map(abs, found.edges), default=0)), grid=False)
    bars = alt.Chart(pd.DataFrame(rows, columns=["low", "high", "count"])).mark_bar(
        color=style.accent(dark), opacity=0.8, orient="vertical"
    )
    drawn = bars.encode(
        x=alt.X("low:Q", title=f"predicted minus true{unit}", axis=axis),
        x2="high",
        y=alt.Y("count:Q", title="predictions", axis=alt.Axis(tickCount=4)),
        y2=alt.datum(0),
        tooltip=["low:Q", "high:Q", "count:Q"],
    )
    return alt.layer(drawn, style.line_at(0, dark)).properties(height=230)


def calibration(found: Sequence[ReliabilityBin], dark: bool) -> alt.LayerChart:
    """Of what was said with some probability, how much came true; on the dashed line it is as much as was said."""
    columns = ["predicted", "observed", "rows"]
    frame = pd.DataFrame([(b.predicted, b.observed, b.rows) for b in found], columns=columns)
    axis, scale = alt.Axis(format="%", tickCount=5), alt.Scale(domain=[0, 1])
    base = alt.Chart(frame).encode(
        x=alt.X("predicted:Q", title="said with", scale=scale, axis=axis),
        y=alt.Y("observed:Q", title="came true", scale=scale, axis=axis),
    )
    shares = [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("predicted", "observed")]
    points = base.mark_point(filled=True, opacity=1, color=style.accent(dark)).encode(
        size=alt.Size("rows:Q", legend=None, scale=alt.Scale(range=[30, 260])), tooltip=[*shares, "rows:Q"]
    )
    ends = pd.DataFrame({"predicted": [0.0, 1.0], "observed": [0.0, 1.0]})
    perfect = alt.Chart(ends).mark_line(strokeDash=[4, 3], color=style.text_colour(dark), opacity=0.6)
    line = base.mark_line(color=style.accent(dark), opacity=0.6)
    return alt.layer(perfect.encode(x="predicted:Q", y="observed:Q"), line, points).properties(height=260)


def _by_basis(found: Iterable[tuple[str | None, _Side, _Side]]) -> pd.DataFrame:
    rows = [
        (parse_time(at), basis, part.value, part.low, part.high, rows)
        for at, *sides in found
        for basis, (part, rows) in zip(_BASES, sides, strict=True)
        if part is not None
    ]
    return pd.DataFrame(rows, columns=["time", "basis", "value", "low", "high", "rows"])


def _basis_colours(dark: bool) -> alt.Scale:
    return alt.Scale(domain=_BASES, range=[style.accent(dark), style.second(dark)])


def _interval_tooltips() -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{column}:Q", format=".4~f") for column in ("value", "low", "high")]


def _level_lines(marks: Sequence[Level], dark: bool) -> list[alt.Chart | alt.LayerChart]:
    if not marks:
        return []
    base = alt.Chart(pd.DataFrame(marks, columns=["name", "at"]))
    rule = base.mark_rule(strokeDash=[4, 3], color=style.text_colour(dark), opacity=0.6).encode(y="at:Q")
    return [rule, *(_level_name(mark, side, dark) for mark, side in zip(marks, ("left", "right"), strict=False))]


def _level_name(mark: Level, side: str, dark: bool) -> alt.LayerChart:
    """The name of a level above its line, with a halo where curves pass; two stand at different ends, as they may lie
    close."""
    at_left = side == "left"
    base = alt.Chart(pd.DataFrame([mark], columns=["name", "at"])).encode(
        x=alt.value(0 if at_left else "width"), y="at:Q", text="name:N"
    )
    place = {"align": side, "dx": 4 if at_left else -4, "dy": -7, "fontSize": 11}
    ground = style.colours(dark)["backgroundColor"]
    halo = base.mark_text(**place, stroke=ground, strokeWidth=4, strokeJoin="round", color=ground)
    return alt.layer(halo, base.mark_text(**place, color=style.text_colour(dark)))
