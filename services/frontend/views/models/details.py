"""One model version: what it takes, gives and is watched by, and its model card."""

from __future__ import annotations

import re

import pandas as pd
import streamlit as st

from pilothouse.manifest import ImageInput, Manifest, TabularInput
from services.frontend.clients.services import Services
from services.frontend.formatting import TIMES, percent, plain, pretty_unit
from services.frontend.views import address
from services.frontend.views.model_choice import ChosenModel
from services.frontend.views.predict.fields import accepted
from services.frontend.views.sections import section

_FENCE = re.compile(r"^\s*(```|~~~)")
_HEADING = re.compile(r"^(#{1,4})(?=\s)")
_MOST_CHARACTERS = 40_000


def show(services: Services, chosen: ChosenModel) -> None:
    st.subheader(plain(f"{chosen.name} {chosen.version}"), anchor=False)
    facts, written = st.tabs(["What it takes and gives", "Model card"])
    with facts:
        _facts(chosen.manifest)
    with written, section("The model card"):
        _card(services, chosen)


def _card(services: Services, chosen: ChosenModel) -> None:
    """Written by whoever made the model: Markdown, of which no HTML and no picture is let through."""
    if not chosen.served:
        st.caption("The inference service has the card, and it is away.")
        return
    written = services.inference.card(chosen.name, chosen.version)
    if written is None:
        st.caption("The package has no model card.")
        return
    st.markdown(shown_card(written), anchors=False)


def shown_card(markdown: str) -> str:
    """`markdown` with its headings two levels down and its pictures as text.

    Streamlit escapes raw HTML. A picture would be fetched from wherever the card says, and tell of its reader.
    """
    lines, fenced = [], False
    for line in markdown[:_MOST_CHARACTERS].splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        lines.append(line if fenced else _HEADING.sub(r"##\1", line).replace("![", r"!\["))
    return "\n".join(lines)


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
        f"drift when at least {plain(percent(monitoring.drift_share))} of them moved, or one very far."
    )
    address.link("predict", "Predict with it")


def _features(spec: TabularInput) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Feature": [f.name for f in spec.features],
            "Type": [f.type for f in spec.features],
            "Unit": [pretty_unit(f.unit) for f in spec.features],
            "Accepted": [", ".join(f.categories or ()) or accepted(f) for f in spec.features],
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
    return f"Answers {output.target} in {pretty_unit(output.unit)}" if output.unit else f"Answers {output.target}"
