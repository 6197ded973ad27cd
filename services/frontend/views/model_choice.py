"""The head of every page about a model: its title, and the choice of the model and its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pilothouse.manifest import Manifest
from pilothouse.wire.predictions import ModelEntry
from services.frontend.clients.services import Services
from services.frontend.errors import ServiceError
from services.frontend.formatting import code
from services.frontend.views import address, sections
from services.frontend.views.sections import section

_WIDTHS = {"model": 240, "version": 150}


@dataclass(frozen=True)
class ChosenModel:
    """The model version a page is about. `served` is false when inference is away and the collector vouches for it."""

    name: str
    version: str
    manifest: Manifest
    served: bool


def choose_model(services: Services, title: str) -> ChosenModel | None:
    """Draw the head. None when there is no model to speak of; that has then been said."""
    head = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    head.title(title, anchor=False, width="stretch")
    try:
        models, served = _models(services)
    except ServiceError as error:
        sections.absent("The models", error)
        return None
    if not models:
        sections.empty("No model is loaded", "Put a package under `models/NAME/VERSION/` and start again.", "make run")
        return None
    name, version = _pick(models, head)
    with section(f"The manifest of {name}"):
        source = services.inference if served else services.collector
        return ChosenModel(name, version, source.manifest(name, version), served)
    return None


def _models(services: Services) -> tuple[list[ModelEntry], bool]:
    """The loaded models; when inference is away, those that the log knows."""
    try:
        return [m for m in services.inference.models() if m.state != "failed"], True
    except ServiceError:
        known = services.collector.models()
        if not known:
            raise
        return known, False


def _pick(models: list[ModelEntry], place: DeltaGenerator) -> tuple[str, str]:
    """The model of the address or the default one, and of its versions the one that answers; a choice of versions only
    where there are several."""
    names = sorted({m.name for m in models})
    _warn_of_unknown("model", names, "There is no model {} here.")
    name = address.choose("model", names, next((m.name for m in models if m.default), names[0]))
    _select(place, "model", names)
    versions = [m.version for m in models if m.name == name]
    _warn_of_unknown("version", versions, "There is no version {} of this model here.")
    active = next((m.version for m in models if m.name == name and m.state == "active"), versions[-1])
    if len(versions) == 1:
        address.remember("version", None)
        return name, active
    version = address.current("version", versions, active)
    st.session_state[address.widget_key("version")] = version
    # whoever looks at what answers goes on to do so when another version is activated
    address.remember("version", None if version == active else version)
    states = {m.version: m.state for m in models if m.name == name and m.state in ("active", "shadow")}
    _select(place, "version", versions, states)
    return name, version


def _warn_of_unknown(what: str, known: list[str], sentence: str) -> None:
    asked = address.unknown(what, known)
    if asked:
        st.warning(sentence.format(code(asked)), icon=":material/question_mark:")


def _changed(what: str) -> None:
    """Another model has other versions."""
    address.changed(what)
    if what == "model":
        address.remember("version", None)


def _select(place: DeltaGenerator, what: str, names: list[str], states: Mapping[str, str] | None = None) -> None:
    shown = {name: f"{name} ({state})" for name, state in (states or {}).items()}
    place.selectbox(
        what.capitalize(), names, format_func=lambda name: shown.get(name, name), key=address.widget_key(what),
        on_change=_changed, args=(what,), label_visibility="collapsed", width=_WIDTHS[what],
    )  # fmt: skip
