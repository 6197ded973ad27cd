"""One model version: what it takes, gives and is watched by, and its model card."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pilothouse.manifest import ImageInput, Manifest, TabularInput
from services.frontend import card, form, notices, sources
from services.frontend.api import Services
from services.frontend.choice import Chosen
from services.frontend.text import TIMES, percent, plain, pretty_unit
from services.frontend.views import menu


def show(services: Services, chosen: Chosen) -> None:
    st.subheader(plain(f"{chosen.name} {chosen.version}"), anchor=False)
    facts, written = st.tabs(["What it takes and gives", "Model card"])
    with facts:
        _facts(chosen.manifest)
    with written, notices.part("The model card"):
        _card(services, chosen)


def _card(services: Services, chosen: Chosen) -> None:
    """Written by whoever made the model: Markdown, of which no HTML and no picture is let through."""
    if not chosen.served:
        st.caption("The inference service has the card, and it is away.")
        return
    written = sources.card(services, chosen.name, chosen.version)
    if written is None:
        st.caption("The package has no model card.")
        return
    st.markdown(card.shown(written), anchors=False)


def _facts(manifest: Manifest) -> None:
    if manifest.description:
        st.markdown(plain(manifest.description))
    if isinstance(manifest.input, TabularInput):
        st.caption("Takes these features")
        st.dataframe(_features(manifest.input), hide_index=True, alt="Features of the model")
    else:
        st.caption(plain(_image(manifest.input)))
    st.caption(plain(_output(manifest)))
    monitoring = manifest.monitoring
    st.caption(
        f"Watched: {len(manifest.monitored_columns)} columns over the newest {monitoring.window_rows:,} predictions; "
        f"drift when at least {plain(percent(monitoring.drift_share))} of them moved."
    )
    menu.link("predict", "Predict with it")


def _features(spec: TabularInput) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Feature": [f.name for f in spec.features],
            "Type": [f.type for f in spec.features],
            "Unit": [pretty_unit(f.unit) if f.unit else "" for f in spec.features],
            "Accepted": [", ".join(f.categories or ()) or form.accepted(f) for f in spec.features],
            "Required": ["yes" if f.required else "no" for f in spec.features],
            "Meaning": [f.description for f in spec.features],
        }
    )


def _image(spec: ImageInput) -> str:
    colour = "grey" if spec.mode == "L" else "colour"
    other = "resized" if spec.resize else "refused"
    return f"Takes {colour} images of {spec.width} {TIMES} {spec.height} pixels; others are {other}." + (
        f" Inside the graph: {spec.normalisation}." if spec.normalisation else ""
    )


def _output(manifest: Manifest) -> str:
    output = manifest.output
    if output.classes:
        return f"Answers {output.target}, one of: {', '.join(output.classes)}"
    return f"Answers {output.target}" + (f" in {pretty_unit(output.unit)}" if output.unit else "")
