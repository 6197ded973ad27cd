"""The selection as a file. It is read from the collector when it is asked for, and not before."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from services.frontend.api import Services
from services.frontend.choice import Chosen

MOST_ROWS = 100_000


def show(services: Services, chosen: Chosen, asked: Mapping[str, str]) -> None:
    """A button for each format. `asked` are the collector's parameters of the selection."""
    with st.popover("Export", icon=":material/download:"):
        st.caption(f"The whole selection with its labels, newest first; {MOST_ROWS:,} records at most.")
        for kind, name, mime in (("csv", "CSV", "text/csv"), ("parquet", "Parquet", "application/octet-stream")):
            st.download_button(
                name, lambda kind=kind: services.collector.export(chosen.name, chosen.version, kind, MOST_ROWS, asked),
                f"{chosen.name}-{chosen.version}.{kind}", mime, key=f"export-{kind}", on_click="ignore",
            )  # fmt: skip
        st.caption("More than that: `GET /v1/records?format=parquet` of the collector, which streams.")
