"""Performance: how good the predictions were, measured by labels and estimated without them."""

from __future__ import annotations

import streamlit as st

from services.frontend import notices, sources
from services.frontend.api import Services
from services.frontend.choice import Chosen, choose_model
from services.frontend.performance import Performance
from services.frontend.views import menu, span
from services.frontend.views import window as windows
from services.frontend.views.performance import errors, history, over_time, segments, verdict


def show() -> None:
    services = sources.open_services()
    chosen = choose_model(services, "Performance")
    if chosen is None:
        return
    window = windows.choose()
    runs = sources.soon(sources.performance_history, services, chosen.name, chosen.version, span.current())
    with notices.part("The performance"):
        found = _ask(services, chosen, window)
        if found is None:
            return
        verdict.show(found, chosen)
        if not found.labelled_rows:
            st.caption("Labels turn estimates into measurements. Give them one by one on the page Records, or many:")
            st.code("pilothouse label --help", language="bash")
            menu.link("records", "Label a record")
        over_time.show(found)
        history.show(found, runs)
        errors.show(found, chosen)
        segments.show(services, chosen, window, found)


def _ask(services: Services, chosen: Chosen, window: str | None) -> Performance | None:
    """None when there is nothing to judge, which is then said."""
    found = sources.performance(services, chosen.name, chosen.version, window)
    if found.rows:
        return found
    longer = "No prediction of this window is in the log. Choose a longer one, or replay real data:"
    advice = longer if window else "Predict something, or replay real data through the stack:"
    notices.empty("Nothing to judge yet", advice, "make demo")
    return None
