"""Performance: how good the predictions were, measured by labels and estimated without them."""

from __future__ import annotations

import streamlit as st

from pilothouse.wire.performance import PerformanceAnswer
from services.frontend.clients.services import Services, in_background, open_services
from services.frontend.views import address, sections
from services.frontend.views.model_choice import ChosenModel, choose_model
from services.frontend.views.performance import errors, over_time, verdict
from services.frontend.views.sections import section


def show() -> None:
    services = open_services()
    chosen = choose_model(services, "Performance")
    if chosen is None:
        return
    window, span = address.choose_window(), address.current_span()
    runs = in_background(services.drift.performance_history, chosen.name, chosen.version, span)
    with section("The performance"):
        found = _ask(services, chosen, window)
        if found is None:
            return
        verdict.show(found)
        if not found.labelled_rows:
            st.caption("Labels turn estimates into measurements. Give them one by one on the page Records, or many:")
            st.code("pilothouse label --help", language="bash")
            address.link("records", "Label a record")
        over_time.show(found)
        over_time.show_runs(found, runs)
        errors.show(found, chosen)
        errors.show_segments(services, chosen, window, found)


def _ask(services: Services, chosen: ChosenModel, window: str | None) -> PerformanceAnswer | None:
    """None when there is nothing to judge, which is then said."""
    found = services.drift.performance(chosen.name, chosen.version, window)
    if found.rows:
        return found
    longer = "No prediction of this window is in the log. Choose a longer one, or replay real data:"
    advice = longer if window else "Predict something, or replay real data through the stack:"
    sections.empty("Nothing to judge yet", advice, "make demo")
    return None
