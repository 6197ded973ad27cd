"""Evidently's report made safe to embed: in a sandbox of its own, and without a way out to the network.

Streamlit's frame shares the page's origin with what it holds. The report is several megabytes of foreign script, so
it goes one frame deeper: `sandbox` without `allow-same-origin` gives it an origin of its own, and the policy of the
outer frame, which the inner one inherits, lets it fetch nothing.

It is drawn at two thirds of its size, because Evidently's page is cut off below some 1,200 pixels.
"""

from __future__ import annotations

import html

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob: data:; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; worker-src blob:"
)
_STYLE = """html, body { margin: 0; height: 100%; background: #fff; overflow: hidden }
iframe { border: 0; display: block; width: 150%; height: 150%; transform: scale(0.6667); transform-origin: 0 0 }
@media (max-width: 760px) { body { overflow-x: auto } iframe { width: 1200px } }"""


def sandboxed(report: str, title: str) -> str:
    """A page that holds nothing but `report` in a sandbox."""
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f'content="{_POLICY}"><style>{_STYLE}</style></head><body><iframe sandbox="allow-scripts" '
        f'title="{html.escape(title)}" srcdoc="{html.escape(report)}"></iframe></body></html>'
    )
