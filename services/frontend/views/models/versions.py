"""Which version answers: activate another one, or let it shadow. Needs a key with the scope admin where keys are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from pilothouse.wire.predictions import ModelEntry
from services.frontend.clients import cache
from services.frontend.clients.services import Services
from services.frontend.formatting import plain
from services.frontend.views import visitor
from services.frontend.views.sections import section

STATES: dict[str, tuple[str, Literal["green", "violet", "red"]]] = {
    "active": ("answers", "green"),
    "shadow": ("shadows", "violet"),
    "failed": ("failed", "red"),
}


def show(services: Services, versions: list[ModelEntry]) -> None:
    """The versions of the chosen model with what can be done to each."""
    st.subheader("Which version answers", anchor=False)
    for entry in versions:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"version-{entry.version}"):
            st.markdown(f"**version {plain(entry.version)}**", width="content")
            if entry.state in STATES:
                label, colour = STATES[entry.state]
                st.badge(label, color=colour)
            st.space("stretch")
            _actions(services, entry)
    st.caption(
        "A shadow sees every request that names no version, answers nobody and is logged: compare before you switch."
    )
    visitor.ask_for_key("admin")


def _actions(services: Services, entry: ModelEntry) -> None:
    """Buttons for what the version's state allows: label, icon, what is said after, and the call."""
    name, version, key, call = entry.name, entry.version, visitor.own_key(), services.inference
    possible: list[tuple[str, str, str, Callable[[], None]]] = []
    if entry.state in ("loaded", "shadow"):
        possible.append(("Have it answer", "swap_horiz", "answers now", lambda: call.activate(name, version, key)))
    if entry.state == "loaded":
        possible.append(("Let it shadow", "visibility", "shadows now", lambda: call.shadow(name, version, True, key)))
    if entry.state == "shadow":
        stop = ("No longer shadow", "visibility_off", "no longer shadows")
        possible.append((*stop, lambda: call.shadow(name, version, False, key)))
    for label, icon, said, act in possible:
        if st.button(label, key=f"{icon}-{version}", icon=f":material/{icon}:"):
            _do(f"Version {version} {said}.", act)


def _do(said: str, act: Callable[[], None]) -> None:
    with section("The change"):
        act()
        cache.forget()
        st.toast(said, icon=":material/check:")
        st.rerun()
