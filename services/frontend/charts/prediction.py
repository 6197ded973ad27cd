"""One prediction: its probabilities, and its inputs among those of the training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from services.frontend.charts import style
from services.frontend.formatting import percent, title
from services.frontend.outliers import InputRank

_ROW_PIXELS = 30
_MOST_CLASSES = 12
_LEVELS = ["far", "rare", "usual"]


def probabilities(
    shares: Mapping[str, float], chosen: str, dark: bool, threshold: float | None = None
) -> alt.LayerChart:
    """Bars, the likeliest class on top; the predicted one in the accent colour. `threshold` is drawn as a line."""
    ordered = sorted(shares.items(), key=lambda pair: -pair[1])[:_MOST_CLASSES]
    frame = pd.DataFrame(ordered, columns=["class", "probability"])
    frame["said"] = [percent(p) for p in frame["probability"]]
    frame["chosen"] = frame["class"] == chosen
    base = alt.Chart(frame).encode(y=style.names("class", list(frame["class"])))
    scale = alt.Scale(domain=[0, 1.2])
    bars = base.mark_bar(cornerRadiusEnd=3, height=16).encode(
        x=alt.X("probability:Q", scale=scale, axis=None),
        color=style.emphasis("chosen", dark),
        tooltip=[alt.Tooltip("class:N", title="Class"), alt.Tooltip("said:N", title="Probability")],
    )
    said = base.mark_text(align="right", color=style.text_colour(dark)).encode(x=alt.value("width"), text="said:N")
    layers = [bars, said]
    if threshold is not None:
        layers.append(style.line_at(threshold, dark))
    return alt.layer(*layers).properties(height=_ROW_PIXELS * len(frame) + 10)


def input_ranks(found: Sequence[InputRank], dark: bool) -> alt.LayerChart:
    """Each ordered input as a point between the training data's lowest (left) and highest value (right)."""
    rows = [(title(r.column), r.position, r.level, r.value, r.sentence) for r in found if r.position is not None]
    frame = pd.DataFrame(rows, columns=["input", "position", "level", "value", "sentence"])
    frame["lowest"], frame["highest"], frame["quarter"], frame["three"] = 0.0, 1.0, 0.25, 0.75
    colours = style.colours(dark)
    shades = alt.Scale(domain=_LEVELS, range=[colours["redColor"], colours["orangeColor"], style.accent(dark)])
    base = alt.Chart(frame).encode(y=style.names("input", list(frame["input"])))
    axis = alt.Axis(
        values=[0, 0.25, 0.5, 0.75, 1], title=None, grid=False, domain=False, ticks=False,
        labelExpr="{'0':'lowest','0.5':'median','1':'highest'}[datum.value] || ''",
    )  # fmt: skip
    x = alt.X("lowest:Q", scale=alt.Scale(domain=[-0.02, 1.02]), axis=axis)
    range_line = base.mark_rule(strokeWidth=2, color=style.muted(dark), opacity=0.7).encode(x=x, x2="highest:Q")
    middle_half = base.mark_bar(height=9, cornerRadius=3, color=style.muted(dark)).encode(
        x=alt.X("quarter:Q", axis=axis), x2="three:Q"
    )
    point = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X("position:Q", axis=axis),
        color=alt.Color("level:N", scale=shades, legend=None),
        tooltip=["input:N", "value:N", alt.Tooltip("sentence:N", title="lies")],
    )
    return alt.layer(range_line, middle_half, point).properties(height=24 * len(frame) + 45)
