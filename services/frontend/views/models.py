"""Models: which are loaded, and what one of them takes and gives."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from pilothouse.manifest import ImageInput, Manifest, TabularInput
from services.frontend import form, notices, sentences, sources
from services.frontend.answers import ModelEntry, ModelStats
from services.frontend.api import Services
from services.frontend.choice import choose_model
from services.frontend.errors import ServiceError
from services.frontend.text import TIMES, percent, plain, pretty_unit
from services.frontend.views import menu

_STATES = {"active": ("answers", "green"), "failed": ("failed", "red")}


def show() -> None:
    services = sources.open_services()
    chosen = choose_model(services, "Models")
    with notices.part("The loaded models"):
        _list(sources.found_models(services), _stats(services))
    if chosen:
        st.space("small")
        _detail(chosen.manifest)


def _stats(services: Services) -> list[ModelStats] | None:
    """What the log holds; None when the collector is away: the models are shown without it."""
    try:
        return sources.stats(services)
    except ServiceError:
        return None


def _list(models: list[ModelEntry], stats: list[ModelStats] | None) -> None:
    with st.grid(min_column_width=260, gap="small"):
        for model in models:
            with st.container(border=True, gap="xsmall", key=f"model-{model.name}-{model.version}"):
                _card(model, stats)


def _card(model: ModelEntry, stats: list[ModelStats] | None) -> None:
    st.markdown(f"**{plain(model.name)}**")
    with st.container(horizontal=True, gap="xsmall"):
        label, colour = _STATES.get(model.state, (model.state or "loaded", "gray"))
        st.badge(plain(label), color=colour)
        st.badge(plain(f"version {model.version}"), color="gray")
        if model.default:
            st.badge("default", color="primary")
    if model.reason:
        st.caption(plain(model.reason))
        return
    logged = "log unknown: the collector is away"
    if stats is not None:
        logged = sentences.stored(stats, model.name, model.version, datetime.now(UTC))
    st.caption(plain(f"{model.task}, {logged}" if model.task else logged))


def _detail(manifest: Manifest) -> None:
    st.subheader(plain(f"{manifest.name} {manifest.version}"), anchor=False)
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
