"""Predict: a form or images in, a prediction out, and the newest records below."""

from __future__ import annotations

import streamlit as st

from pilothouse.manifest import TabularInput
from services.frontend import sources
from services.frontend.choice import Chosen, choose_model
from services.frontend.text import plain
from services.frontend.views import feature_form, image_drop, latest


def show() -> None:
    services = sources.open_services()
    chosen = choose_model(services, "Predict")
    if chosen is None:
        return
    _describe(chosen)
    if not chosen.served:
        st.warning("The inference service is away: no predictions for now.", icon=":material/cloud_off:")
        st.button("Try again", key="retry-inference", icon=":material/refresh:")
    elif isinstance(chosen.manifest.input, TabularInput):
        feature_form.show(services, chosen, chosen.manifest.input)
    else:
        image_drop.show(services, chosen, chosen.manifest.input)
    st.space("small")
    latest.show(services, chosen)


def _describe(chosen: Chosen) -> None:
    if chosen.manifest.description:
        st.markdown(plain(chosen.manifest.description))
