"""Charts, made with Altair; Streamlit gives them the theme's colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from services.frontend import theme
from services.frontend.answers import ColumnDrift
from services.frontend.sentences import excess
from services.frontend.text import TIMES, number, percent, title

_ROW_PIXELS = 30
_MOST_CLASSES = 12


def probabilities(
    shares: Mapping[str, float], chosen: str, dark: bool, threshold: float | None = None
) -> alt.LayerChart:
    """Bars, the likeliest class on top; the predicted one in the accent colour. `threshold` is drawn as a line."""
    ordered = sorted(shares.items(), key=lambda pair: -pair[1])[:_MOST_CLASSES]
    frame = pd.DataFrame(ordered, columns=["class", "probability"])
    frame["said"] = [percent(p) for p in frame["probability"]]
    frame["chosen"] = frame["class"] == chosen
    base = alt.Chart(frame).encode(y=_names("class", list(frame["class"])))
    scale = alt.Scale(domain=[0, 1.2])
    bars = base.mark_bar(cornerRadiusEnd=3, height=16).encode(
        x=alt.X("probability:Q", scale=scale, axis=None),
        color=_emphasis("chosen", dark),
        tooltip=[alt.Tooltip("class:N", title="Class"), alt.Tooltip("said:N", title="Probability")],
    )
    said = base.mark_text(align="right", color=_ink(dark)).encode(x=alt.value("width"), text="said:N")
    layers = [bars, said]
    if threshold is not None:
        layers.append(_line(threshold, dark))
    return alt.layer(*layers).properties(height=_ROW_PIXELS * len(frame) + 10)


def drift_scores(columns: Sequence[ColumnDrift], dark: bool) -> alt.LayerChart:
    """How far each column moved, in multiples of its own threshold, so that methods can stand side by side."""
    ordered = sorted((c for c in columns if c.score is not None), key=excess, reverse=True)
    rows = [
        (title(c.name), excess(c), bool(c.drifted), number(c.score or 0), number(c.threshold or 0), c.stattest)
        for c in ordered
    ]
    frame = pd.DataFrame(rows, columns=["column", "excess", "drifted", "score", "threshold", "method"])
    frame["said"] = [f"{e:.2f}{TIMES}" for e in frame["excess"]]
    furthest = max(1.25, float(frame["excess"].max()))
    base = alt.Chart(frame).encode(y=_names("column", list(frame["column"])))
    bars = base.mark_bar(cornerRadiusEnd=3, height=14).encode(
        x=alt.X("excess:Q", axis=None, scale=alt.Scale(domain=[0, furthest * 1.25])),
        color=_emphasis("drifted", dark, theme.DARK["redColor"] if dark else theme.LIGHT["redColor"]),
        tooltip=["column:N", "score:N", "threshold:N", "method:N"],
    )
    said = base.mark_text(align="right", color=_ink(dark)).encode(x=alt.value("width"), text="said:N")
    return alt.layer(bars, said, _line(1, dark)).properties(height=26 * len(frame) + 10)


def _names(field: str, order: list[str]) -> alt.Y:
    axis = alt.Axis(title=None, ticks=False, domain=False, labelLimit=150, labelPadding=8)
    return alt.Y(f"{field}:N", sort=order, axis=axis)


def _emphasis(field: str, dark: bool, accent: str | None = None) -> alt.Color:
    colours = theme.DARK if dark else theme.LIGHT
    strong = accent or colours["primaryColor"]
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=[True, False], range=[strong, _muted(dark)]), legend=None)


def _line(at: float, dark: bool) -> alt.Chart:
    rule = alt.Chart(pd.DataFrame({"at": [at]})).mark_rule(strokeDash=[4, 3], color=_ink(dark), opacity=0.6)
    return rule.encode(x="at:Q")


def _muted(dark: bool) -> str:
    return "#41555e" if dark else "#b9c8cd"


def _ink(dark: bool) -> str:
    return theme.DARK["textColor"] if dark else theme.LIGHT["textColor"]
