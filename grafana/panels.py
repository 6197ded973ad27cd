"""Panels of Grafana's dashboard JSON (schema version 42): a graph over time, a number, bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

SOURCE = {"type": "prometheus", "uid": "prometheus"}
PAGE = "${PILOTHOUSE_PUBLIC_URL}"  # put in when Grafana starts (compose.yaml)
GRID_WIDTH = 24
_LAST_VALUE = {"calcs": ["lastNotNull"], "fields": "", "values": False}


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries` are PromQL expressions by the legend of their series; `thresholds` are values with the colour that
    begins there, `mappings` are values with the text and colour that stand for them. `links` are titles and addresses
    that a click on a series offers. `runbook` is the alert whose section says what to do. `width` is in columns of the
    grid; without one, a panel has an equal share of its row."""

    kind: ClassVar[str]
    options: ClassVar[dict[str, Any]]

    title: str
    description: str
    queries: Mapping[str, str]
    _: KW_ONLY
    unit: str = "short"
    width: int | None = None
    height: int = 8
    thresholds: Sequence[tuple[float, str]] = ()
    base_colour: str = "green"
    mappings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    minimum: float | None = 0
    maximum: float | None = None
    decimals: int | None = None
    no_value: str = "no data"
    links: Mapping[str, str] = field(default_factory=dict)
    runbook: str | None = None

    def json(self) -> dict[str, Any]:
        """Without its place on the grid."""
        runbook = {"What to do": f"{PAGE}/runbooks?alert={self.runbook}"} if self.runbook else {}
        return {
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "targets": [self._target(*q) for q in zip("ABCDEF", self.queries.items(), strict=False)],
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": self.options,
            "links": _links(runbook),
        }

    def _target(self, identity: str, query: tuple[str, str]) -> dict[str, Any]:
        legend, expression = query
        over_time = self.kind == Graph.kind
        return {
            "refId": identity,
            "datasource": SOURCE,
            "expr": expression,
            "legendFormat": legend,
            "instant": not over_time,
            "range": over_time,
        }

    def _defaults(self) -> dict[str, Any]:
        steps = [{"value": None, "color": self.base_colour}, *({"value": v, "color": c} for v, c in self.thresholds)]
        texts = {value: {"text": text, "color": colour} for value, (text, colour) in self.mappings.items()}
        bounds = {"min": self.minimum, "max": self.maximum, "decimals": self.decimals}
        return {
            "unit": self.unit,
            "color": {"mode": "thresholds"},
            "thresholds": {"mode": "absolute", "steps": steps},
            "mappings": [{"type": "value", "options": texts}] if texts else [],
            "noValue": self.no_value,
            "links": _links(self.links),
        } | {name: value for name, value in bounds.items() if value is not None}


def _links(addresses: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"title": title, "url": url, "targetBlank": True} for title, url in addresses.items()]


@dataclass(frozen=True, slots=True)
class SeriesStyle:
    """How series whose legend matches a regular expression are drawn, where that is not as the others."""

    pattern: str
    colour: str | None = None
    dashed: bool = False
    width: int | None = None

    def json(self) -> dict[str, Any]:
        given = {
            "color": self.colour and {"mode": "fixed", "fixedColor": self.colour},
            "custom.lineStyle": self.dashed and {"fill": "dash", "dash": [8, 6]},
            "custom.lineWidth": self.width,
        }
        properties = [{"id": name, "value": value} for name, value in given.items() if value]
        return {"matcher": {"id": "byRegexp", "options": f"/{self.pattern}/"}, "properties": properties}


@dataclass(frozen=True, slots=True)
class Graph(Panel):
    """Lines over time. `repeat` is a variable of which each value has a graph of its own, two in a line."""

    kind = "timeseries"
    options: ClassVar[dict[str, Any]] = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }

    stacked: bool = False
    fill: int = 6
    logarithmic: bool = False
    styles: Sequence[SeriesStyle] = ()
    repeat: str | None = None

    def json(self) -> dict[str, Any]:
        panel = Panel.json(self)
        defaults = panel["fieldConfig"]["defaults"]
        defaults |= {"color": {"mode": "palette-classic"}, "custom": self._lines()}
        panel["fieldConfig"]["overrides"] = [style.json() for style in self.styles]
        return panel | ({"repeat": self.repeat, "repeatDirection": "h", "maxPerRow": 2} if self.repeat else {})

    def _lines(self) -> dict[str, Any]:
        return {
            "drawStyle": "line",
            "lineInterpolation": "linear",
            "lineWidth": 1 if self.stacked else 2,
            "fillOpacity": 55 if self.stacked else self.fill,
            "showPoints": "never",
            "scaleDistribution": {"type": "log", "log": 10} if self.logarithmic else {"type": "linear"},
            "spanNulls": 60_000,
            "stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if self.thresholds else "off"},
        }


@dataclass(frozen=True, slots=True)
class Stat(Panel):
    """Numbers of this moment on a coloured ground."""

    kind = "stat"
    options: ClassVar[dict[str, Any]] = {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "center",
        "textMode": "auto",
        "reduceOptions": _LAST_VALUE,
    }

    height: int = 4


@dataclass(frozen=True, slots=True)
class Bars(Panel):
    """Numbers of this moment as bars, one below the other."""

    kind = "bargauge"
    options: ClassVar[dict[str, Any]] = {
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "reduceOptions": _LAST_VALUE,
    }
