"""Live: which services are ready and why not, and what is going on, now and over the last hour."""

from __future__ import annotations

import streamlit as st

from services.frontend.clients.services import ServiceHealth, Services, open_services
from services.frontend.formatting import code, plain, tag
from services.frontend.views.live import figures
from services.frontend.views.sections import redrawn

_EVERY_SECONDS = 5
_STATES = {
    "ready": ("ready", "green", ":material/check_circle:"),
    "waiting": ("not ready", "orange", ":material/hourglass_empty:"),
    "away": ("away", "red", ":material/cloud_off:"),
}
_PURPOSES = {
    "inference": "Answers predictions and writes every one down.",
    "collector": "Keeps the log in the database and hands it out.",
    "drift": "Compares the log with the training reference.",
}


def show() -> None:
    services = open_services()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Live", anchor=False)
        st.space("stretch")
        st.button("Check again", icon=":material/refresh:", key="check")
    redrawn(_EVERY_SECONDS, _readiness, services)
    st.space("small")
    redrawn(_EVERY_SECONDS, figures.show, services)


def _readiness(services: Services) -> None:
    health = services.health()
    waiting = [h for h in health if h.state != "ready"]
    if waiting:
        st.markdown(f"**{len(health) - len(waiting)} of {len(health)} services are ready.**")
    else:
        st.markdown("**All services are ready.**")
    with st.grid(min_column_width=260, gap="small"):
        for service in health:
            with st.container(border=True, gap="xsmall", key=f"service-{service.service}"):
                _card(service)


def _card(service: ServiceHealth) -> None:
    label, colour, icon = _STATES[service.state]
    st.markdown(f"**{service.service.capitalize()}**")
    with st.container(horizontal=True, gap="xsmall"):
        st.badge(label, color=colour, icon=icon)
        if service.version:
            st.badge(tag(f"version {service.version}"), color="gray")
    st.caption(_PURPOSES.get(service.service, ""))
    st.caption(code(service.url))
    for part, reason in service.reasons.items():
        st.caption(f":red[{plain(part)}]: {plain(reason)}")
