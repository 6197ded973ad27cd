"""Small builders for Grafana's dashboard JSON (schema version 42): panels on a grid of 24 columns.

Ours and not grafana-foundation-sdk: that one is generated from Grafana's types and checks no query, no layout and no
name, which is what goes wrong; these 200 lines are held to the metrics, the layout and a live Prometheus by tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH = 24
Kind = Literal["timeseries", "stat", "bargauge"]


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and how its series are called."""

    expression: str
    legend: str = "__auto"


@dataclass(frozen=True, slots=True)
class Look:
    """How series whose name matches a regular expression are drawn, where that is not as the others."""

    pattern: str
    colour: str | None = None
    dashed: bool = False
    width: int | None = None

    def json(self) -> dict[str, Any]:
        properties: list[dict[str, Any]] = []
        if self.colour:
            properties.append({"id": "color", "value": {"mode": "fixed", "fixedColor": self.colour}})
        if self.dashed:
            properties.append({"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}})
        if self.width is not None:
            properties.append({"id": "custom.lineWidth", "value": self.width})
        return {"matcher": {"id": "byRegexp", "options": f"/{self.pattern}/"}, "properties": properties}


@dataclass(frozen=True, slots=True)
class Panel:
    """`description` says what a person reads off it; `limits` are values with the colour that begins there, `runbook`
    is the alert whose section tells what to do; `words` are values with the text and colour they are shown as;
    `repeated_by` is a variable of which each value has a panel of its own, two in a line."""

    kind: Kind
    title: str
    description: str
    queries: Sequence[Query]
    unit: str = "short"
    width: int = 8
    height: int = 8
    limits: Sequence[tuple[float, str]] = ()
    base: str = "green"
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    least: float | None = 0
    most: float | None = None
    decimals: int | None = None
    stacked: bool = False
    fill: int = 6
    logarithmic: bool = False
    looks: Sequence[Look] = ()
    links: Sequence[tuple[str, str]] = ()
    repeated_by: str | None = None
    runbook: str | None = None
    nothing: str = "no data"

    def json(self, identity: int, x: int, y: int, runbooks: str) -> dict[str, Any]:
        repeated = {"repeat": self.repeated_by, "repeatDirection": "h", "maxPerRow": 2} if self.repeated_by else {}
        return repeated | {
            "id": identity,
            "type": self.kind,
            "title": self.title,
            "description": self._described(runbooks),
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "targets": [self._target(q, "ABCDEF"[i]) for i, q in enumerate(self.queries)],
            "fieldConfig": {"defaults": self._defaults(), "overrides": [look.json() for look in self.looks]},
            "options": _OPTIONS[self.kind],
            "links": [{"title": title, "url": url, "targetBlank": True} for title, url in self._links(runbooks)],
        }

    def _described(self, runbooks: str) -> str:
        return (
            f"{self.description} What to do: {_section(runbooks, self.runbook)}" if self.runbook else self.description
        )

    def _links(self, runbooks: str) -> list[tuple[str, str]]:
        """A runbook is a link only where it has an address; a path in the repository is none."""
        known = self.runbook and "://" in runbooks
        return [*self.links, *([("Runbook", _section(runbooks, self.runbook))] if known else [])]

    def _target(self, query: Query, identity: str) -> dict[str, Any]:
        instant = self.kind != "timeseries"
        return {
            "refId": identity,
            "datasource": SOURCE,
            "expr": query.expression,
            "legendFormat": query.legend,
            "instant": instant,
            "range": not instant,
        }

    def _defaults(self) -> dict[str, Any]:
        steps = [{"value": None, "color": self.base}, *({"value": v, "color": c} for v, c in self.limits)]
        words = {value: {"text": text, "color": colour} for value, (text, colour) in self.words.items()}
        defaults: dict[str, Any] = {
            "unit": self.unit,
            "color": {"mode": "palette-classic" if self.kind == "timeseries" else "thresholds"},
            "thresholds": {"mode": "absolute", "steps": steps},
            "mappings": [{"type": "value", "options": words}] if words else [],
            "noValue": self.nothing,
        }
        if self.kind == "timeseries":
            defaults["custom"] = self._drawn()
        given = {"min": self.least, "max": self.most, "decimals": self.decimals}
        return defaults | {name: value for name, value in given.items() if value is not None}

    def _drawn(self) -> dict[str, Any]:
        return {
            "drawStyle": "line",
            "lineInterpolation": "linear",
            "lineWidth": 1 if self.stacked else 2,
            "fillOpacity": 55 if self.stacked else self.fill,
            "showPoints": "never",
            "scaleDistribution": {"type": "log", "log": 10} if self.logarithmic else {"type": "linear"},
            "spanNulls": 60_000,
            "stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if self.limits else "off"},
        }


_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "center",
        "textMode": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
    "bargauge": {
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
}


def _section(runbooks: str, alert: str | None) -> str:
    return f"{runbooks}#{(alert or '').lower()}"
