"""The newest records of a model, drawn anew every few seconds: a prediction shows up here once it is in the log."""

from __future__ import annotations

import streamlit as st

from services.frontend import notices, reader, table
from services.frontend.api import Services
from services.frontend.choice import Chosen
from services.frontend.views import again, menu, record_table

_ROWS = 8
_EVERY_SECONDS = 4


def show(services: Services, chosen: Chosen) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader("Last predictions", anchor=False)
        menu.link("records", "All records")
    again.every(_EVERY_SECONDS, _draw, services, chosen)


def _draw(services: Services, chosen: Chosen) -> None:
    with notices.part("The last predictions"):
        records = services.collector.records(chosen.name, chosen.version, _ROWS)
        if not records.records:
            notices.empty(
                "Nothing logged yet", "Predict something above, or replay real data through the stack:", "make demo"
            )
            return
        record_table.show(table.frame(records, chosen.manifest, reader.zone()), chosen.manifest, key="latest")
