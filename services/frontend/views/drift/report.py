"""Evidently's report, when it is asked for: it takes seconds to make and megabytes to send."""

from __future__ import annotations

import streamlit as st

from services.frontend import links, notices, report, sources
from services.frontend.api import Services
from services.frontend.choice import Chosen

_PIXELS = 900


def show(services: Services, chosen: Chosen, window: str | None) -> None:
    st.subheader("Evidently report", anchor=False)
    shown = links.choose("report", ["hidden", "shown"], "hidden") == "shown"
    st.session_state[links.widget_key("report")] = shown
    st.toggle("Show the full report", key=links.widget_key("report"), on_change=_toggled)
    if not shown:
        st.caption("Every column and every test of it, with the same methods and thresholds as above.")
        return
    with notices.part("The report"):
        with st.spinner("Evidently is comparing. The first report takes some seconds."):
            page = sources.report(services, chosen.name, chosen.version, window)
        name = f"drift-{chosen.name}-{chosen.version}.html"
        st.download_button("Download", page, name, "text/html", icon=":material/download:", on_click="ignore")
        st.iframe(report.sandboxed(page, "Evidently report"), height=_PIXELS, alt="Evidently report")


def _toggled() -> None:
    links.remember("report", "shown" if st.session_state[links.widget_key("report")] else "hidden")
