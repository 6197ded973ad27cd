"""Predict: a form or images in, a prediction out, and the newest records below."""

from __future__ import annotations

import streamlit as st

from pilothouse.manifest import TabularInput
from services.frontend import links, sources
from services.frontend.api import Services
from services.frontend.choice import Chosen, choose_model
from services.frontend.text import plain
from services.frontend.views import feature_form, file_drop, image_drop, latest

_MODES = {"form": "One", "file": "A file of many"}


def show() -> None:
    services = sources.open_services()
    chosen = choose_model(services, "Predict")
    if chosen is None:
        return
    _describe(chosen)
    if not chosen.served:
        st.warning("The inference service is away: no predictions for now.", icon=":material/cloud_off:")
        st.button("Try again", key="retry-inference", icon=":material/refresh:")
    elif chosen.manifest.runtime == "external":
        st.info("This model is served elsewhere; here it is watched.", icon=":material/visibility:")
    elif isinstance(chosen.manifest.input, TabularInput):
        _tabular(services, chosen, chosen.manifest.input)
    else:
        image_drop.show(services, chosen, chosen.manifest.input)
    st.space("small")
    latest.show(services, chosen)


def _tabular(services: Services, chosen: Chosen, spec: TabularInput) -> None:
    """One input in a form, or a file of many; the address says which."""
    mode = links.choose("input", list(_MODES), "form")
    st.segmented_control(
        "Input",
        list(_MODES),
        format_func=lambda option: _MODES[option],
        key=links.widget_key("input"),
        on_change=links.changed,
        args=("input",),
        required=True,
        label_visibility="collapsed",
    )
    if mode == "form":
        feature_form.show(services, chosen, spec)
    else:
        file_drop.show(services, chosen, spec)


def _describe(chosen: Chosen) -> None:
    if chosen.manifest.description:
        st.markdown(plain(chosen.manifest.description))
