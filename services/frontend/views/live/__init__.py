"""Live: which services are ready and why not, and what is going on, now and over the last hour."""

from __future__ import annotations

import streamlit as st

from services.frontend import sources
from services.frontend.views.live import figures, readiness

_EVERY_SECONDS = 5


def show() -> None:
    services = sources.open_services()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Live", anchor=False)
        st.space("stretch")
        st.button("Check again", icon=":material/refresh:", key="check")
    st.fragment(readiness.show, run_every=2 * _EVERY_SECONDS)(services)
    st.space("small")
    st.fragment(figures.show, run_every=_EVERY_SECONDS)(services)
