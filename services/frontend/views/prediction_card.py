"""One prediction, drawn: the answer, how sure the model is, and the id to find it by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import streamlit as st

from pilothouse.images import Pixels
from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from pilothouse.wire.predictions import Prediction
from services.frontend import sentences
from services.frontend.charts import prediction as charts
from services.frontend.formatting import number, plain, tag, title
from services.frontend.views import visitor

_PICTURE_PIXELS = 112
Colour = Literal["green", "orange", "red", "gray"]


def show(prediction: Prediction, manifest: Manifest, pixels: Pixels | None = None) -> None:
    """`pixels` are what was predicted from, when that was an image."""
    with st.container(border=True, key=f"result-{prediction.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            picture(pixels, "What was predicted from")
            with st.container(gap="xsmall"):
                _headline(prediction, manifest)
        if prediction.probabilities:
            chart(prediction.prediction, prediction.probabilities, manifest)
        footer(prediction)


def picture(pixels: Pixels | None, alt: str) -> None:
    """What the model saw. Never the caller's file: Streamlit ends the page over one that it cannot write as JPEG."""
    if pixels is not None:
        st.image(pixels, width=_PICTURE_PIXELS, alt=alt, output_format="PNG")


def chart(predicted: float | str, probabilities: Mapping[str, float], manifest: Manifest) -> None:
    """The probabilities by class as bars."""
    threshold = manifest.output.threshold if task_of(manifest).has_positive_class else None
    drawn = charts.probabilities(probabilities, str(predicted), visitor.dark(), threshold)
    st.altair_chart(drawn, alt=sentences.spoken(probabilities))


def risk_badge(prediction: Prediction, manifest: Manifest) -> None:
    if prediction.risk:
        names = [tier.name for tier in manifest.output.risk_tiers]
        st.badge(tag(f"{prediction.risk} risk"), color=tier_colour(prediction.risk, names))


def tier_colour(risk: str, tiers: list[str]) -> Colour:
    """From green for the lowest tier to red for the highest."""
    if risk not in tiers:
        return "gray"
    place = tiers.index(risk) / max(len(tiers) - 1, 1)
    return "green" if place < 1 / 3 else "orange" if place < 2 / 3 + 1e-9 and place < 1 else "red"


def footer(prediction: Prediction) -> None:
    """Id, version, latency, and whether it was written down."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(tag(f"version {prediction.version}"), color="gray")
        if prediction.latency_ms is not None:
            st.badge(tag(f"{number(prediction.latency_ms)} ms"), color="gray", icon=":material/timer:")
        if prediction.logged:
            st.badge("logged", color="green", icon=":material/check:")
        else:
            st.badge("not logged", color="red", icon=":material/error:", help="The record could not be written down.")
    st.code(prediction.id, language=None, wrap_lines=True)


def _headline(prediction: Prediction, manifest: Manifest) -> None:
    said = sentences.answer(prediction.prediction, manifest.output.unit)
    st.metric(plain(title(manifest.output.target)), said)
    if prediction.probabilities:
        with st.container(horizontal=True, vertical_alignment="center"):
            risk_badge(prediction, manifest)
            st.caption(plain(sentences.confidence(prediction.probabilities, str(prediction.prediction))))
