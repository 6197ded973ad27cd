"""What the charts share: colours for a light and a dark page, axes, legends and lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import altair as alt
import pandas as pd

from services.frontend import theme

HEIGHT = 190
Span = tuple[datetime, datetime]
_CLOCKS = ((10, "%H:%M:%S.%L"), (600, "%H:%M:%S"), (129_600, "%H:%M"), (400_000, "%d %b %H:%M"))
_DAYS = "%d %b"


def colours(dark: bool) -> dict[str, str]:
    """The theme's colours by their names there."""
    return theme.DARK if dark else theme.LIGHT


def text_colour(dark: bool) -> str:
    return colours(dark)["textColor"]


def accent(dark: bool) -> str:
    return colours(dark)["primaryColor"]


def second(dark: bool) -> str:
    """Beside the accent: the other one of two."""
    return "#e3a45c" if dark else "#d9862b"


def muted(dark: bool) -> str:
    return "#41555e" if dark else "#b9c8cd"


def emphasis(field: str, dark: bool, strong: str | None = None) -> alt.Color:
    """Strong where the field is true, muted where it is not."""
    shades = [strong or accent(dark), muted(dark)]
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=[True, False], range=shades), legend=None)


def names(field: str, order: Sequence[str]) -> alt.Y:
    """Names down the left side, in this order."""
    axis = alt.Axis(title=None, ticks=False, domain=False, labelLimit=150, labelPadding=8)
    return alt.Y(f"{field}:N", sort=list(order), axis=axis)


def time_axis(span: Span) -> alt.X:
    """Time across, with as much of the date and the clock as tells its times apart."""
    seconds = (span[1] - span[0]).total_seconds()
    format = next((f for limit, f in _CLOCKS if seconds < limit), _DAYS)
    axis = alt.Axis(title=None, labelOverlap=True, grid=False, format=format, tickCount=6)
    return alt.X("time:T", axis=axis, scale=alt.Scale(domain=[end.isoformat() for end in span]))


def line_at(value: float, dark: bool, *, horizontal: bool = False) -> alt.Chart:
    """A dashed line across."""
    rule = alt.Chart(pd.DataFrame({"at": [value]})).mark_rule(strokeDash=[4, 3], color=text_colour(dark), opacity=0.6)
    return rule.encode(y="at:Q") if horizontal else rule.encode(x="at:Q")


def number_format(highest: float) -> str:
    """The format of an axis that goes so far: 1950 and 0.02 as they are, 12k for 12,000."""
    return "~s" if abs(highest) >= 10_000 else "~r"


def legend() -> alt.Legend:
    return alt.Legend(title=None, orient="top", symbolType="square")


def two_colours(domain: Sequence[str], dark: bool) -> alt.Scale:
    """Colours for two things side by side, the one that matters first."""
    return alt.Scale(domain=list(domain), range=[accent(dark), muted(dark)])
