"""A line chart as SVG, small enough to be committed and read on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 330
LEFT, RIGHT, TOP, BOTTOM = 52, 300, 44, 34
COLOURS = ("#1f77b4", "#8a6d1d", "#c0392b", "#2aa198", "#b58900", "#d33682")


@dataclass(frozen=True, slots=True)
class Line:
    """`values` are percentages, one for each place on the axis; `ours` is drawn thick."""

    name: str
    values: Sequence[float]
    ours: bool = False


def line_chart(title: str, places: Sequence[str], lines: Sequence[Line], promise: float) -> str:
    """Percentages over places, with a dashed line at what is promised."""
    across = (WIDTH - LEFT - RIGHT) / (len(places) - 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" fill="#555"><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f'<text x="{LEFT}" y="22" font-size="15" fill="#222">{escape(title)}</text>'
    ]
    parts += [_rule(percent) for percent in (0, 25, 50, 75, 100)]
    parts += [f'<text x="{LEFT + i * across:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(place)}</text>'
              for i, place in enumerate(places)]  # fmt: skip
    parts.append(f'<path d="M{LEFT} {_y(promise):.1f}H{WIDTH - RIGHT}" stroke="#222" stroke-dasharray="4 3"/>')
    for number, line in enumerate(lines):
        points = " ".join(f"{LEFT + i * across:.1f},{_y(v):.1f}" for i, v in enumerate(line.values))
        colour, width, y = COLOURS[number % len(COLOURS)], 3 if line.ours else 1.5, TOP + 14 + 20 * number
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        parts.append(f'<path d="M{WIDTH - RIGHT + 24} {y - 4}h18" stroke="{colour}" stroke-width="{width}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 48}" y="{y}">{escape(line.name)}</text>')
    legend = TOP + 14 + 20 * len(lines)
    parts.append(f'<text x="{WIDTH - RIGHT + 48}" y="{legend}">dashed: what is promised, {promise:g}%</text></svg>')
    return "\n".join(parts) + "\n"


def _rule(percent: int) -> str:
    y = _y(percent)
    line = f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
    return f'{line}<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent}%</text>'


def _y(percent: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - percent / 100)
