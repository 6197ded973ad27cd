"""A dashboard: rows of panels laid out on the grid, variables, and links to its sisters and to the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grafana.panels import SOURCE, WIDTH, Panel

PAGE, DRIFT = "http://127.0.0.1:8501", "http://127.0.0.1:8002"


def dashboard(
    name: str,
    *,
    title: str,
    description: str,
    variables: Sequence[dict[str, Any]],
    rows: Mapping[str, Sequence[Panel]],
    runbooks: str,
) -> dict[str, Any]:
    """`runbooks` is what links to runbooks begin with (monitoring/alerts.yaml)."""
    return {
        "uid": f"pilothouse-{name}",
        "title": title,
        "description": description,
        "tags": ["pilothouse"],
        "schemaVersion": 42,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [*variables, address("page", PAGE), address("drift_service", DRIFT)]},
        "annotations": {"list": [_alerts()]},
        "links": _links(),
        "panels": lay_out(rows, runbooks),
    }


def lay_out(rows: Mapping[str, Sequence[Panel]], runbooks: str) -> list[dict[str, Any]]:
    """Each row's panels from left to right, in lines as wide as the grid."""
    placed: list[dict[str, Any]] = []
    y = 0
    for title, panels in rows.items():
        placed.append(_row(title, len(placed) + 1, y))
        y += 1
        x = height = 0
        for panel in panels:
            if x + panel.width > WIDTH:
                x, y, height = 0, y + height, 0
            placed.append(panel.json(len(placed) + 1, x, y, runbooks))
            x, height = x + panel.width, max(height, panel.height)
        y += height
    return placed


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


def address(name: str, value: str) -> dict[str, Any]:
    """Where links lead, as a person's browser sees it; `?var-page=https://...` sets it where it is not this machine."""
    option = {"text": value, "value": value, "selected": True}
    return {"name": name, "type": "textbox", "query": value, "current": option, "options": [option], "hide": 2}


def _row(title: str, identity: int, y: int) -> dict[str, Any]:
    place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
    return {"id": identity, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _links() -> list[dict[str, Any]]:
    shared = {"icon": "external link", "tooltip": "", "asDropdown": False, "keepTime": True, "includeVars": False}
    sisters = {"title": "Pilothouse", "type": "dashboards", "tags": ["pilothouse"], "url": "", "targetBlank": False}
    page = {"title": "The page", "type": "link", "tags": [], "url": "${page}", "targetBlank": True}
    return [shared | sisters, shared | page]


def _alerts() -> dict[str, Any]:
    """Alerts that fire, as marks on every graph."""
    return {
        "name": "Alerts",
        "enable": True,
        "iconColor": "red",
        "datasource": SOURCE,
        "expr": 'ALERTS{alertstate="firing"}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{job}} {{model}}",
        "step": "30s",
    }
