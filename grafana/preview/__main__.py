"""`python -m grafana.preview PROMETHEUS FOLDER [MINUTES]`: an HTML page for each dashboard, and a PNG where there is
chromium."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from html import escape
from pathlib import Path
from typing import Any

from grafana.__main__ import dashboards
from grafana.preview.answers import Prometheus
from grafana.preview.figures import GREY, INK, PAPER, Box, draw
from monitoring.source import read

_COLUMN, _ROW, _TITLE = 72, 38, 26
_WIDTH = 24 * _COLUMN + 16
_STYLE = f"body{{margin:0;background:#111217;color:{INK};font:13px Inter,Helvetica,Arial,sans-serif}}"


def page(content: dict[str, Any], prometheus: Prometheus) -> tuple[str, int]:
    """A dashboard as HTML, and how high it is in pixels."""
    bottom = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in content["panels"])
    height = bottom * _ROW + 60
    parts = [f'<text x="12" y="28" font-size="20" fill="{INK}">{escape(content["title"])}</text>']
    parts += [_panel(p, chosen, prometheus) for panel in content["panels"] for p, chosen in repeated(panel, prometheus)]
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}">{"".join(parts)}</svg>'
    title = escape(content["title"])
    return f'<!doctype html><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>{svg}', height


def repeated(panel: dict[str, Any], prometheus: Prometheus) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """The panel, or its repetitions side by side, each with the value of the variable that it shows."""
    name = panel.get("repeat")
    values = prometheus.values(name)[: panel["maxPerRow"]] if name else []
    width = panel["gridPos"]["w"] // max(1, len(values))
    copies = [
        (panel | {"gridPos": panel["gridPos"] | {"x": number * width, "w": width}}, {str(name): value})
        for number, value in enumerate(values)
    ]
    return copies or [(panel, {})]


def _panel(panel: dict[str, Any], chosen: dict[str, str], prometheus: Prometheus) -> str:
    place = panel["gridPos"]
    x, y = 8 + place["x"] * _COLUMN, 44 + place["y"] * _ROW
    width, height = place["w"] * _COLUMN - 8, place["h"] * _ROW - 8
    title = panel["title"]
    for name, value in chosen.items():
        title = title.replace(f"${name}", value)
    if panel["type"] == "row":
        return f'<text x="{x + 4}" y="{y + 24}" font-size="16" fill="{INK}">▾ {escape(title)}</text>'
    box, span = Box(width - 12, height - _TITLE - 8), (prometheus.begin, prometheus.end)
    inside = draw(panel, prometheus.ask(panel, chosen), box, span)
    frame = f'<rect width="{width}" height="{height}" rx="3" fill="{PAPER}" stroke="{GREY}"/>'
    return (
        f'<g transform="translate({x},{y})">{frame}'
        f'<text x="10" y="18" font-weight="600" fill="{INK}">{escape(title)}</text>'
        f'<g transform="translate(6,{_TITLE})">{inside}</g></g>'
    )


def shoot(html: Path, height: int) -> None:
    """The page as a picture beside it."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print(f"{html} (no chromium here to make a picture of it)")
        return
    picture = html.with_suffix(".png")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={picture}"]
    subprocess.run(
        [*command, f"--window-size={_WIDTH},{height}", html.resolve().as_uri()], check=True, capture_output=True
    )
    print(picture)


def main() -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    prometheus = Prometheus(url, time.time(), float(sys.argv[3]) if len(sys.argv) > 3 else 60)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in dashboards(read()).items():
        text, height = page(content, prometheus)
        html = folder / f"{name}.html"
        html.write_text(text, encoding="utf-8")
        shoot(html, height)


if __name__ == "__main__":
    try:
        main()
    except (OSError, IndexError) as error:
        sys.exit(f"{error}\nusage: python -m grafana.preview http://127.0.0.1:9090 FOLDER [MINUTES]")
