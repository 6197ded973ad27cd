"""Models: which are loaded, which version answers, and what one of them takes, gives and says of itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from pilothouse.wire.models import ModelStats
from pilothouse.wire.predictions import ModelEntry
from services.frontend import sentences
from services.frontend.clients.services import in_background, open_services
from services.frontend.errors import ServiceError
from services.frontend.formatting import plain, tag
from services.frontend.views.model_choice import choose_model
from services.frontend.views.models import details, shadow, versions
from services.frontend.views.models.versions import STATES
from services.frontend.views.sections import section


def show() -> None:
    services = open_services()
    stats = in_background(services.collector.stats)
    chosen = choose_model(services, "Models")
    with section("The loaded models"):
        _list(services.inference.models(), _stats(stats))
    if chosen:
        st.space("small")
        with section("The versions"):
            found = [m for m in services.inference.models() if m.name == chosen.name]
            if len(found) > 1:
                versions.show(services, found)
                shadow.show(services, chosen, found)
        details.show(services, chosen)


def _stats(ask: Callable[[], list[ModelStats]]) -> list[ModelStats] | None:
    """What the log holds; None when the collector is away: the models are shown without it."""
    try:
        return ask()
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
        label, colour = STATES.get(model.state, (model.state or "loaded", "gray"))
        st.badge(tag(label), color=colour)
        st.badge(tag(f"version {model.version}"), color="gray")
        if model.default:
            st.badge("default", color="primary")
    if model.reason:
        st.caption(plain(model.reason))
        return
    logged = "log unknown: the collector is away"
    if stats is not None:
        logged = sentences.stored(stats, model.name, model.version, datetime.now(UTC))
    st.caption(plain(f"{model.task}, {logged}" if model.task else logged))
