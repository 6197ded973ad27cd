"""Bars with their figures beside them: probabilities, and how far columns moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from services.frontend.answers import ColumnDrift
from services.frontend.charts import ink
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
    base = alt.Chart(frame).encode(y=ink.names("class", list(frame["class"])))
    scale = alt.Scale(domain=[0, 1.2])
    bars = base.mark_bar(cornerRadiusEnd=3, height=16).encode(
        x=alt.X("probability:Q", scale=scale, axis=None),
        color=ink.emphasis("chosen", dark),
        tooltip=[alt.Tooltip("class:N", title="Class"), alt.Tooltip("said:N", title="Probability")],
    )
    said = base.mark_text(align="right", color=ink.ink(dark)).encode(x=alt.value("width"), text="said:N")
    layers = [bars, said]
    if threshold is not None:
        layers.append(ink.line_at(threshold, dark))
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
    base = alt.Chart(frame).encode(y=ink.names("column", list(frame["column"])))
    bars = base.mark_bar(cornerRadiusEnd=3, height=14).encode(
        x=alt.X("excess:Q", axis=None, scale=alt.Scale(domain=[0, furthest * 1.25])),
        color=ink.emphasis("drifted", dark, ink.colours(dark)["redColor"]),
        tooltip=["column:N", "score:N", "threshold:N", "method:N"],
    )
    said = base.mark_text(align="right", color=ink.ink(dark)).encode(x=alt.value("width"), text="said:N")
    return alt.layer(bars, said, ink.line_at(1, dark)).properties(height=26 * len(frame) + 10)
