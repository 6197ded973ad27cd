"""Live: which services are ready and why not, and what is going on, now and over the last hour."""

from __future__ import annotations

import streamlit as st

from services.frontend import sources
from services.frontend.views import again
from services.frontend.views.live import figures, readiness

_EVERY_SECONDS = 5


def show() -> None:
    services = sources.open_services()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Live", anchor=False)
        st.space("stretch")
        st.button("Check again", icon=":material/refresh:", key="check")
    again.every(_EVERY_SECONDS, readiness.show, services)
    st.space("small")
    again.every(_EVERY_SECONDS, figures.show, services)
