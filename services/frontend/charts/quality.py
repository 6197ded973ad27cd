"""Where predictions go wrong: confusions, residuals, calibration, segments; and embeddings on a plane."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from services.frontend.charts import ink
from services.frontend.charts.spread import NOW, THEN
from services.frontend.performance import CalibrationBin, Confusion, Histogram, Segment
from services.frontend.shapes import Plane

POINT = "point"


def confusion(found: Confusion, dark: bool) -> alt.LayerChart:
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
    shades = alt.Scale(domain=[0, 1], range=[ink.colours(dark)["secondaryBackgroundColor"], ink.accent(dark)])
    cells = base.mark_rect(cornerRadius=3, stroke=ink.colours(dark)["backgroundColor"], strokeWidth=2).encode(
        color=alt.Color("share:Q", scale=shades, legend=None)
    )
    white = alt.value("#ffffff")
    text = base.mark_text(fontSize=11).encode(
        text="count:Q", color=alt.condition("datum.share > 0.5", white, alt.value(ink.ink(dark)))
    )
    return alt.layer(cells, text.transform_filter("datum.count > 0")).properties(height=side * len(found.classes) + 110)


def residuals(found: Histogram, unit: str, dark: bool) -> alt.LayerChart:
    """How far predictions lay from the truth, with a line at none."""
    rows = list(zip(found.edges[:-1], found.edges[1:], found.counts, strict=False))
    frame = pd.DataFrame(rows, columns=["low", "high", "count"])
    axis = alt.Axis(format=ink.figures(max(map(abs, found.edges), default=0)), grid=False)
    bars = (
        alt.Chart(frame)
        .mark_bar(color=ink.accent(dark), opacity=0.8, orient="vertical")
        .encode(
            x=alt.X("low:Q", title=f"predicted minus true{unit}", axis=axis),
            x2="high",
            y=alt.Y("count:Q", title="predictions", axis=alt.Axis(tickCount=4)),
            y2=alt.datum(0),
            tooltip=["low:Q", "high:Q", "count:Q"],
        )
    )
    return alt.layer(bars, ink.line_at(0, dark)).properties(height=230)


def calibration(found: Sequence[CalibrationBin], dark: bool) -> alt.LayerChart:
    """Of what was said with some probability, how much came true; on the dashed line it is as much as was said."""
    frame = pd.DataFrame([(b.predicted, b.observed, b.rows) for b in found], columns=["predicted", "observed", "rows"])
    axis = alt.Axis(format="%", tickCount=5)
    base = alt.Chart(frame).encode(
        x=alt.X("predicted:Q", title="said with", scale=alt.Scale(domain=[0, 1]), axis=axis),
        y=alt.Y("observed:Q", title="came true", scale=alt.Scale(domain=[0, 1]), axis=axis),
    )
    points = base.mark_point(filled=True, opacity=1, color=ink.accent(dark)).encode(
        size=alt.Size("rows:Q", legend=None, scale=alt.Scale(range=[30, 260])),
        tooltip=[
            alt.Tooltip("predicted:Q", format=".1%"),
            alt.Tooltip("observed:Q", format=".1%"),
            alt.Tooltip("rows:Q"),
        ],
    )
    perfect = alt.Chart(pd.DataFrame({"predicted": [0.0, 1.0], "observed": [0.0, 1.0]})).mark_line(
        strokeDash=[4, 3], color=ink.ink(dark), opacity=0.6
    )
    line = base.mark_line(color=ink.accent(dark), opacity=0.6)
    return alt.layer(perfect.encode(x="predicted:Q", y="observed:Q"), line, points).properties(height=260)


def segments(found: Sequence[Segment], name: str, marks: Sequence[tuple[str, float]], dark: bool) -> alt.LayerChart:
    """The metric in each segment with its interval, measured where there are labels and estimated."""
    rows = [
        (s.segment, basis, part.value, part.low, part.high, s.rows, s.labelled)
        for s in found
        for basis, part in (("measured", s.measured), ("estimated", s.estimated))
        if part is not None
    ]
    columns = ["segment", "basis", "value", "low", "high", "rows", "labelled"]
    frame = pd.DataFrame(rows, columns=columns)
    shades = alt.Scale(domain=["measured", "estimated"], range=[ink.accent(dark), ink.warm(dark)])
    base = alt.Chart(frame).encode(
        y=ink.names("segment", [s.segment for s in found]),
        yOffset=alt.YOffset("basis:N", sort=["measured", "estimated"]),
        color=alt.Color("basis:N", scale=shades, legend=ink.legend()),
        tooltip=[
            "segment:N", "basis:N", *(alt.Tooltip(f"{c}:Q", format=".4~f") for c in ("value", "low", "high")),
            "rows:Q", "labelled:Q",
        ],
    )  # fmt: skip
    scale = alt.Scale(zero=False)
    spans = base.mark_rule(strokeWidth=2, opacity=0.6).encode(x=alt.X("low:Q", title=name, scale=scale), x2="high:Q")
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x=alt.X("value:Q", title=name, scale=scale))
    return alt.layer(spans, points, *(ink.line_at(at, dark) for _, at in marks)).properties(
        height=44 * max(len(found), 1) + 110
    )


def plane(found: Plane, dark: bool) -> alt.LayerChart:
    """Training and window as two clouds of points. A press selects the nearest point of the window, by its id, under
    the name POINT."""
    axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    shares = [*(f" ({share:.0%} of the variance)" for share in found.explained), "", ""]
    scale = alt.Scale(zero=False)

    def cloud(points: Sequence[tuple[float, float]], ids: Sequence[str], of: str) -> alt.Chart:
        rows = [(x, y, of, i) for (x, y), i in zip(points, ids, strict=False)]
        return (
            alt.Chart(pd.DataFrame(rows, columns=["x", "y", "of", "id"]))
            .mark_point(filled=True, size=26, opacity=0.8)
            .encode(
                x=alt.X("x:Q", title=f"first component{shares[0]}", axis=axis, scale=scale),
                y=alt.Y("y:Q", title=f"second component{shares[1]}", axis=axis, scale=scale),
                color=alt.Color("of:N", scale=ink.two([NOW, THEN], dark), legend=ink.legend()),
            )
        )

    pressed = alt.selection_point(name=POINT, fields=["id"], nearest=True)
    training = cloud(found.reference, [""] * len(found.reference), THEN)
    window = cloud(found.current, [*found.current_ids, *[""] * len(found.current)], NOW)
    window = window.add_params(pressed).encode(
        size=alt.condition(pressed, alt.value(140), alt.value(26), empty=False), tooltip=["of:N", "id:N"]
    )
    return alt.layer(training, window).properties(height=420)
