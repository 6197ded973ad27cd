"""Small builders for Grafana's dashboard JSON (schema version 42): panels on a grid of 24 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SOURCE = {"type": "prometheus", "uid": "prometheus"}
_WIDTH = 24


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and how its series are called."""

    expression: str
    legend: str = "__auto"


@dataclass(frozen=True, slots=True)
class Panel:
    """`description` says what a person reads off it; `limits` are values with the colour that begins there."""

    kind: str
    title: str
    description: str
    queries: Sequence[Query]
    unit: str = "short"
    width: int = 8
    height: int = 8
    limits: Sequence[tuple[float, str]] = ()
    words: dict[str, tuple[str, str]] = field(default_factory=dict)
    least: float | None = 0
    most: float | None = None

    def json(self, identity: int, x: int, y: int) -> dict[str, Any]:
        return {
            "id": identity,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "targets": [self._target(q, "ABCDEF"[i]) for i, q in enumerate(self.queries)],
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": _OPTIONS[self.kind],
        }

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
        steps = [{"value": None, "color": "green"}, *({"value": v, "color": c} for v, c in self.limits)]
        words = {value: {"text": text, "color": colour} for value, (text, colour) in self.words.items()}
        defaults: dict[str, Any] = {
            "unit": self.unit,
            "thresholds": {"mode": "absolute", "steps": steps},
            "mappings": [{"type": "value", "options": words}] if words else [],
            "noValue": "no data",
        }
        if self.kind == "timeseries":
            shown = "line" if self.limits else "off"
            defaults["custom"] = {"fillOpacity": 8, "showPoints": "never", "thresholdsStyle": {"mode": shown}}
        bounds = {"min": self.least, "max": self.most}
        return defaults | {name: value for name, value in bounds.items() if value is not None}


_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"colorMode": "background", "graphMode": "none", "reduceOptions": {"calcs": ["lastNotNull"]}},
    "bargauge": {"orientation": "horizontal", "displayMode": "basic", "reduceOptions": {"calcs": ["lastNotNull"]}},
}


def row(title: str, identity: int, y: int) -> dict[str, Any]:
    return {
        "id": identity,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"x": 0, "y": y, "w": _WIDTH, "h": 1},
        "panels": [],
    }


def lay_out(rows: Mapping[str, Sequence[Panel]]) -> list[dict[str, Any]]:
    """Each row's panels from left to right, in lines as wide as the grid."""
    placed: list[dict[str, Any]] = []
    y = 0
    for title, panels in rows.items():
        placed.append(row(title, len(placed) + 1, y))
        y += 1
        x = height = 0
        for panel in panels:
            if x + panel.width > _WIDTH:
                x, y, height = 0, y + height, 0
            placed.append(panel.json(len(placed) + 1, x, y))
            x, height = x + panel.width, max(height, panel.height)
        y += height
    return placed


def choice(name: str, label: str, metric: str) -> dict[str, Any]:
    """A variable with the values of a label, all of them by default."""
    query = f"label_values({metric}, {name})"
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def dashboard(
    uid: str, title: str, variables: list[dict[str, Any]], rows: Mapping[str, Sequence[Panel]]
) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "tags": ["pilothouse"],
        "schemaVersion": 42,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": variables},
        "annotations": {"list": []},
        "panels": lay_out(rows),
    }
