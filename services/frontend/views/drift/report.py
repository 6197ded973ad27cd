"""Evidently's report, when it is asked for: it takes seconds to make and megabytes to send.

Streamlit's frame shares the page's origin with what it holds. The report is several megabytes of foreign script, so
it goes one frame deeper: `sandbox` without `allow-same-origin` gives it an origin of its own. The policy of the outer
frame, which the inner one inherits, lets it fetch nothing.
"""

from __future__ import annotations

import html

import streamlit as st

from services.frontend.clients.services import Services
from services.frontend.views import address
from services.frontend.views.model_choice import ChosenModel
from services.frontend.views.sections import section

_PIXELS = 900
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob: data:; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; worker-src blob:"
)
# drawn at two thirds of its size, because Evidently's page is cut off below some 1,200 pixels
_STYLE = """html, body { margin: 0; height: 100%; background: #fff; overflow: hidden }
iframe { border: 0; display: block; width: 150%; height: 150%; transform: scale(0.6667); transform-origin: 0 0 }
@media (max-width: 760px) { body { overflow-x: auto } iframe { width: 1200px } }"""


def show(services: Services, chosen: ChosenModel, window: str | None) -> None:
    st.subheader("Evidently report", anchor=False)
    shown = address.choose("report", ["hidden", "shown"], "hidden") == "shown"
    st.session_state[address.widget_key("report")] = shown
    st.toggle("Show the full report", key=address.widget_key("report"), on_change=_toggled)
    if not shown:
        st.caption("Every column and every test of it, with the same methods and thresholds as above.")
        return
    with section("The report"):
        with st.spinner("Evidently is comparing. The first report takes some seconds."):
            page = services.drift.report(chosen.name, chosen.version, window)
        name = f"drift-{chosen.name}-{chosen.version}.html"
        st.download_button("Download", page, name, "text/html", icon=":material/download:", on_click="ignore")
        st.iframe(sandboxed(page, "Evidently report"), height=_PIXELS, alt="Evidently report")


def sandboxed(report: str, title: str) -> str:
    """A page that holds nothing but `report` in a sandbox."""
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f'content="{_POLICY}"><style>{_STYLE}</style></head><body><iframe sandbox="allow-scripts" '
        f'title="{html.escape(title)}" srcdoc="{html.escape(report)}"></iframe></body></html>'
    )


def _toggled() -> None:
    address.remember("report", "shown" if st.session_state[address.widget_key("report")] else "hidden")
