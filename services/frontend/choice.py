"""The head of every page about a model: its title, and the choice of the model and its version."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pilothouse.manifest import Manifest
from services.frontend import links, notices, sources
from services.frontend.answers import ModelEntry
from services.frontend.api import Services
from services.frontend.errors import ServiceError
from services.frontend.text import code

_WIDTHS = {"model": 240, "version": 110}


@dataclass(frozen=True)
class Chosen:
    """The model version a page is about. `served` is false when inference is away and the collector vouches for it."""

    name: str
    version: str
    manifest: Manifest
    served: bool


def choose_model(services: Services, title: str) -> Chosen | None:
    """Draw the head. None when there is no model to speak of; that has then been said."""
    head = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    head.title(title, anchor=False, width="stretch")
    try:
        models, served = _models(services)
    except ServiceError as error:
        notices.absent("The models", error)
        return None
    if not models:
        notices.empty("No model is loaded", "Put a package under `models/NAME/VERSION/` and start again.", "make run")
        return None
    name, version = _pick(models, head)
    with notices.part(f"The manifest of {name}"):
        read = sources.served_manifest if served else sources.announced_manifest
        return Chosen(name, version, read(services, name, version), served)
    return None


def _models(services: Services) -> tuple[list[ModelEntry], bool]:
    """The loaded models; when inference is away, those that the log knows."""
    try:
        return [m for m in sources.found_models(services) if m.state != "failed"], True
    except ServiceError:
        known = sources.announced_models(services)
        if not known:
            raise
        return known, False


def _pick(models: list[ModelEntry], place: st.delta_generator.DeltaGenerator) -> tuple[str, str]:
    names = sorted({m.name for m in models})
    stranger = links.unknown("model", names)
    if stranger:
        st.warning(f"There is no model {code(stranger)} here.", icon=":material/question_mark:")
    preferred = next((m.name for m in models if m.default), names[0])
    name = links.choose("model", names, preferred)
    _select(place, "model", names)
    return name, _pick_version([m for m in models if m.name == name], place)


def _pick_version(versions: list[ModelEntry], place: st.delta_generator.DeltaGenerator) -> str:
    """The one that answers; a choice only where there are several."""
    names = [m.version for m in versions]
    stranger = links.unknown("version", names)
    if stranger:
        st.warning(f"There is no version {code(stranger)} of this model here.", icon=":material/question_mark:")
    active = next((m.version for m in versions if m.state == "active"), names[-1])
    if len(names) == 1:
        links.remember("version", None)
        return active
    version = links.choose("version", names, active)
    _select(place, "version", names)
    return version


def _changed(what: str) -> None:
    """Another model has other versions."""
    links.changed(what)
    if what == "model":
        links.remember("version", None)


def _select(place: st.delta_generator.DeltaGenerator, what: str, names: list[str]) -> None:
    label, key = what.capitalize(), links.widget_key(what)
    place.selectbox(
        label,
        names,
        key=key,
        on_change=_changed,
        args=(what,),
        label_visibility="collapsed",
        width=_WIDTHS[what],
    )
