"""The colours of charts, for a light and a dark page, and the axes they share."""

from __future__ import annotations

import altair as alt
import pandas as pd

from services.frontend import theme


def colours(dark: bool) -> dict[str, str]:
    """The theme's colours by their names there."""
    return theme.DARK if dark else theme.LIGHT


def ink(dark: bool) -> str:
    return colours(dark)["textColor"]


def accent(dark: bool) -> str:
    return colours(dark)["primaryColor"]


def warm(dark: bool) -> str:
    """Beside the accent: the other one of two."""
    return "#e3a45c" if dark else "#d9862b"


def muted(dark: bool) -> str:
    return "#41555e" if dark else "#b9c8cd"


def emphasis(field: str, dark: bool, strong: str | None = None) -> alt.Color:
    """Strong where the field is true, muted where it is not."""
    shades = [strong or accent(dark), muted(dark)]
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=[True, False], range=shades), legend=None)


def names(field: str, order: list[str]) -> alt.Y:
    """Names down the left side, in this order."""
    axis = alt.Axis(title=None, ticks=False, domain=False, labelLimit=150, labelPadding=8)
    return alt.Y(f"{field}:N", sort=order, axis=axis)


def line_at(value: float, dark: bool, *, horizontal: bool = False) -> alt.Chart:
    """A dashed line across."""
    rule = alt.Chart(pd.DataFrame({"at": [value]})).mark_rule(strokeDash=[4, 3], color=ink(dark), opacity=0.6)
    return rule.encode(y="at:Q") if horizontal else rule.encode(x="at:Q")


def figures(highest: float) -> str:
    """The format of an axis that goes so far: 1950 and 0.02 as they are, 12k for 12,000."""
    return "~s" if abs(highest) >= 10_000 else "~r"


def legend() -> alt.Legend:
    return alt.Legend(title=None, orient="top", symbolType="square")


def two(domain: list[str], dark: bool) -> alt.Scale:
    """Colours for two things side by side, the one that matters first."""
    return alt.Scale(domain=domain, range=[accent(dark), muted(dark)])
