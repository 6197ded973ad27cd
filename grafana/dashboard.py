"""A dashboard: rows of panels on the grid, variables, and links to the other dashboards and to the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grafana.panels import GRID_WIDTH, PAGE, SOURCE, Panel

Rows = Mapping[str, Sequence[Panel]]


def dashboard(name: str, description: str, rows: Rows, variables: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """The whole file. `variables` are those of `choice`."""
    return {
        "uid": f"pilothouse-{name}",
        "title": f"Pilothouse: {name}",
        "description": description,
        "tags": ["pilothouse"],
        "schemaVersion": 42,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [*variables]},
        "annotations": {"list": [_ALERTS]},
        "links": _LINKS,
        "panels": [{"id": number} | panel for number, panel in enumerate(_lay_out(rows), start=1)],
    }


def choice(name: str, label: str, query: str) -> dict[str, Any]:
    """A variable with the values of a label, all of them by default."""
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
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _lay_out(rows: Rows) -> Iterator[dict[str, Any]]:
    """Each row's panels from left to right, in lines as wide as the grid."""
    y = 0
    for title, panels in rows.items():
        yield {"type": "row", "title": title, "collapsed": False, "gridPos": _place(0, y, GRID_WIDTH, 1), "panels": []}
        y += 1
        x = height = 0
        for panel in panels:
            width = panel.width or GRID_WIDTH // len(panels)
            if x + width > GRID_WIDTH:
                x, y, height = 0, y + height, 0
            yield panel.json() | {"gridPos": _place(x, y, width, panel.height)}
            x, height = x + width, max(height, panel.height)
        y += height


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


_LINK = {"icon": "external link", "tooltip": "", "asDropdown": False, "keepTime": True, "includeVars": False}
_LINKS = [
    _LINK | {"title": "Pilothouse", "type": "dashboards", "tags": ["pilothouse"], "url": "", "targetBlank": False},
    _LINK | {"title": "The page", "type": "link", "tags": [], "url": PAGE, "targetBlank": True},
]
_ALERTS = {  # those that fire, as marks on every graph
    "name": "Alerts",
    "enable": True,
    "iconColor": "red",
    "datasource": SOURCE,
    "expr": 'ALERTS{alertstate="firing"}',
    "titleFormat": "{{alertname}}",
    "textFormat": "{{job}} {{model}}",
    "step": "30s",
}
