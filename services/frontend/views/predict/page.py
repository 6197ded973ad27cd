"""Predict: a form or images in, a prediction out, and the newest records below."""

from __future__ import annotations

import streamlit as st

from pilothouse.manifest import TabularInput
from services.frontend.clients.services import Services, open_services
from services.frontend.formatting import plain
from services.frontend.views import address, record_table, sections, visitor
from services.frontend.views.model_choice import ChosenModel, choose_model
from services.frontend.views.predict import file, form, images
from services.frontend.views.sections import redrawn, section

_MODES = {"form": "One", "file": "A file of many"}
_NEWEST_ROWS = 8
_EVERY_SECONDS = 4


def show() -> None:
    services = open_services()
    chosen = choose_model(services, "Predict")
    if chosen is None:
        return
    if chosen.manifest.description:
        st.markdown(plain(chosen.manifest.description))
    if not chosen.served:
        st.warning("The inference service is away: no predictions for now.", icon=":material/cloud_off:")
        st.button("Try again", key="retry-inference", icon=":material/refresh:")
    elif chosen.manifest.runtime == "external":
        st.info("This model is served elsewhere; here it is watched.", icon=":material/visibility:")
    elif isinstance(chosen.manifest.input, TabularInput):
        _tabular(services, chosen, chosen.manifest.input)
    else:
        images.show(services, chosen, chosen.manifest.input)
    st.space("small")
    _newest(services, chosen)


def _tabular(services: Services, chosen: ChosenModel, spec: TabularInput) -> None:
    """One input in a form, or a file of many; the address says which."""
    if address.choose_one("Input", "input", _MODES, "form") == "form":
        form.show(services, chosen, spec)
    else:
        file.show(services, chosen, spec)


def _newest(services: Services, chosen: ChosenModel) -> None:
    """Drawn anew every few seconds: a prediction shows up here once it is in the log."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader("Last predictions", anchor=False)
        address.link("records", "All records")
    redrawn(_EVERY_SECONDS, _draw_newest, services, chosen)


def _draw_newest(services: Services, chosen: ChosenModel) -> None:
    with section("The last predictions"):
        page = services.collector.records(chosen.name, chosen.version, _NEWEST_ROWS)
        if page.records:
            frame = record_table.frame(page, chosen.manifest, visitor.zone())
            record_table.show(frame, chosen.manifest, key="latest")
        else:
            advice = "Predict something above, or replay real data through the stack:"
            sections.empty("Nothing logged yet", advice, "make demo")
