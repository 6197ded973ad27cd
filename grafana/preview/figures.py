"""Panels as SVG: graphs of time, single numbers, bars."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Any

from grafana.preview.answers import Series
from grafana.preview.units import shown

COLOURS = ("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0", "#37872d", "#fade2a",
           "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477")  # fmt: skip
NAMED = {"green": "#73bf69", "red": "#f2495c", "orange": "#ff9830", "blue": "#5794f2"}
GREY, PAPER, INK = "#2c3235", "#181b1f", "#d8d9da"
_LEFT, _BOTTOM, _LEGEND_LINE = 62, 20, 15


@dataclass(frozen=True, slots=True)
class Box:
    width: float
    height: float


def draw(panel: dict[str, Any], series: Sequence[Series], box: Box, span: tuple[float, float]) -> str:
    """The inside of a panel; `span` is what is shown, in seconds since the epoch."""
    if not series:
        text = panel["fieldConfig"]["defaults"]["noValue"]
        return _text(box.width / 2, box.height / 2, text, size=15, anchor="middle", colour="#8e8e8e")
    if panel["type"] == "timeseries":
        return _graph(panel, series, box, span)
    return _numbers(panel, series, box) if panel["type"] == "stat" else _bars(panel, series, box)


def _graph(panel: dict[str, Any], series: Sequence[Series], box: Box, span: tuple[float, float]) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    stacked = defaults["custom"]["stacking"]["mode"] == "normal"
    lines = _stack(series) if stacked else [s.points for s in series]
    looks = [_look(s.name, COLOURS[i % len(COLOURS)], panel) for i, s in enumerate(series)]
    legend, lowest = _legend(series, looks, box, defaults["unit"])
    area = Box(box.width - _LEFT - 8, lowest - _BOTTOM - 6)
    least, most, ticks = _scale(defaults, lines)

    high = _height(defaults, least, most)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x = _LEFT + (point[0] - span[0]) / (span[1] - span[0]) * area.width
        return x, 4 + (1 - high(point[1])) * area.height

    parts = [_grid(ticks, defaults["unit"], span, area, place)]
    for line, look in reversed(list(zip(lines, looks, strict=True))):
        parts.append(_line([place(p) for p in line], look, 4 + area.height, filled=stacked))
    for step in defaults["thresholds"]["steps"][1:]:
        if defaults["custom"]["thresholdsStyle"]["mode"] != "off" and least <= step["value"] <= most:
            y = place((span[0], step["value"]))[1]
            colour = NAMED[step["color"]]
            parts.append(f'<path d="M{_LEFT},{y:.1f}h{area.width:.1f}" stroke="{colour}" stroke-dasharray="6 5"/>')
    return "".join(parts) + legend


def _height(defaults: dict[str, Any], least: float, most: float) -> Callable[[float], float]:
    """How high a value is drawn, from 0 to 1."""
    if _logarithmic(defaults):
        return lambda value: log10(max(value, least) / least) / log10(most / least)
    return lambda value: (value - least) / (most - least)


def _logarithmic(defaults: dict[str, Any]) -> bool:
    return bool(defaults["custom"]["scaleDistribution"]["type"] == "log")


def _stack(series: Sequence[Series]) -> list[list[tuple[float, float]]]:
    """Each series on top of those before it, at the times that it has."""
    heights: dict[float, float] = {}
    stacked = []
    for one in series:
        line = []
        for at, value in one.points:
            heights[at] = heights.get(at, 0.0) + value
            line.append((at, heights[at]))
        stacked.append(line)
    return stacked


def _scale(defaults: dict[str, Any], lines: Sequence[list[tuple[float, float]]]) -> tuple[float, float, list[float]]:
    """Lowest and highest value of the axis, and where it has its lines."""
    values = [v for line in lines for _, v in line]
    least, most = defaults.get("min", min(values)), defaults.get("max", max(values))
    if _logarithmic(defaults):
        decades = range(floor(log10(least)), max(1, ceil(log10(max(most, least)))) + 1)
        return 10.0 ** decades[0], 10.0 ** decades[-1], [10.0**d for d in decades]
    if most - least < 1e-12:
        least, most = min(least, 0.0), most or 1.0
        most = most if most > least else least + 1
    rough = (most - least) / 4
    size = 10 ** floor(log10(rough))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= rough)
    first = defaults.get("min", floor(least / step) * step)
    last = defaults.get("max", ceil(most / step - 1e-9) * step)
    ticks = [first + i * step for i in range(round((last - first) / step + 1e-6) + 1)]
    return first, max(last, ticks[-1]), ticks


def _grid(ticks: Sequence[float], unit: str, span: tuple[float, float], area: Box, place: Any) -> str:
    parts = []
    for tick in ticks:
        y = place((span[0], tick))[1]
        parts.append(f'<path d="M{_LEFT},{y:.1f}h{area.width:.1f}" stroke="{GREY}"/>')
        parts.append(_text(_LEFT - 6, y + 4, shown(tick, unit), size=11, anchor="end", colour="#9fa7b3"))
    for fifth in range(6):
        at = span[0] + fifth / 5 * (span[1] - span[0])
        x = place((at, 0))[0]
        anchor = "end" if fifth == 5 else "middle"
        parts.append(_text(x, area.height + 20, time.strftime("%H:%M", time.gmtime(at)), 11, anchor, colour="#9fa7b3"))
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class _Drawn:
    colour: str
    width: float
    dashed: bool
    opacity: float


def _look(name: str, colour: str, panel: dict[str, Any]) -> _Drawn:
    defaults = panel["fieldConfig"]["defaults"]
    found: dict[str, Any] = {}
    for override in panel["fieldConfig"]["overrides"]:
        if re.search(override["matcher"]["options"].strip("/"), name):
            found |= {p["id"]: p["value"] for p in override["properties"]}
    fixed = found.get("color", {}).get("fixedColor")
    return _Drawn(
        NAMED.get(fixed, fixed) if fixed else colour,
        found.get("custom.lineWidth", defaults["custom"]["lineWidth"]),
        "custom.lineStyle" in found,
        defaults["custom"]["fillOpacity"] / 100,
    )


def _line(points: Sequence[tuple[float, float]], look: _Drawn, floor_y: float, *, filled: bool) -> str:
    path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    below = f"{path}L{points[-1][0]:.1f},{floor_y:.1f}L{points[0][0]:.1f},{floor_y:.1f}Z"
    fill = f'<path d="{below}" fill="{PAPER if filled else "none"}"/>' if filled else ""
    fill += f'<path d="{below}" fill="{look.colour}" fill-opacity="{look.opacity}"/>'
    dash = ' stroke-dasharray="8 6"' if look.dashed else ""
    width = look.width or 0.7
    if len(points) == 1:
        return f'<circle cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2" fill="{look.colour}"/>'
    return f'{fill}<path d="{path}" fill="none" stroke="{look.colour}" stroke-width="{width}"{dash}/>'


def _legend(series: Sequence[Series], looks: Sequence[_Drawn], box: Box, unit: str) -> tuple[str, float]:
    """Names and last values in lines at the bottom, at most four of them; and where they begin."""
    places, x, line = [], 8.0, 0
    for one, look in zip(series, looks, strict=True):
        label = f"{one.name}  {shown(one.last, unit)}"
        width = 24 + 6.1 * len(label)
        if x + width > box.width and x > 8:
            x, line = 8.0, line + 1
        places.append((x, line, look.colour, label))
        x += width
    lines = min(4, line + 1)
    top = box.height - _LEGEND_LINE * lines - 2
    parts = []
    for x, line, colour, label in places:
        if line < lines:
            y = top + _LEGEND_LINE * (line + 1) - 3
            parts.append(
                f'<rect x="{x}" y="{y - 6}" width="12" height="3" fill="{colour}"/>{_text(x + 16, y, label, 11)}'
            )
    return "".join(parts), top


def _numbers(panel: dict[str, Any], series: Sequence[Series], box: Box) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    width = box.width / len(series)
    parts = []
    for number, one in enumerate(series):
        text, colour = _judged(defaults, one.last)
        x = number * width
        parts.append(f'<rect x="{x + 2}" y="0" width="{width - 4}" height="{box.height - 4}" rx="3" fill="{colour}"/>')
        size = min(30, 1.6 * width / max(4, len(text)))
        parts.append(_text(x + width / 2, box.height / 2 + 4, text, size, "middle", colour="#fff"))
        name = _text(
            x + width / 2,
            box.height - 14,
            one.name,
            min(12, 1.7 * width / len(one.name or "x")),
            "middle",
            colour="#fff",
        )
        parts.append(name)
    return "".join(parts)


def _bars(panel: dict[str, Any], series: Sequence[Series], box: Box) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    most = max([defaults.get("max", 0), *(s.last for s in series)]) or 1
    height = min(30, box.height / len(series))
    label = 0.42 * box.width
    parts = []
    for number, one in enumerate(series):
        text, colour = _judged(defaults, one.last)
        y = number * height
        long = max(1.0, (box.width - label - 78) * one.last / most)
        parts.append(_text(label - 6, y + height / 2 + 4, one.name, 11, "end"))
        parts.append(f'<rect x="{label}" y="{y + 4}" width="{long:.1f}" height="{height - 8}" fill="{colour}"/>')
        parts.append(_text(label + long + 6, y + height / 2 + 4, text, 12, "start", colour=colour))
    return "".join(parts)


def _judged(defaults: dict[str, Any], value: float) -> tuple[str, str]:
    """A number as it is shown, and the colour that the thresholds or its word give it."""
    for mapping in defaults["mappings"]:
        word = mapping["options"].get(f"{value:g}")
        if word:
            return word["text"], NAMED[word["color"]]
    colour = next(
        s["color"] for s in reversed(defaults["thresholds"]["steps"]) if s["value"] is None or value >= s["value"]
    )
    return shown(value, defaults["unit"]), NAMED[colour]


def _text(x: float, y: float, text: str, size: float = 12, anchor: str = "start", *, colour: str = INK) -> str:
    look = f'font-size="{size:.1f}" text-anchor="{anchor}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(text)}</text>'
