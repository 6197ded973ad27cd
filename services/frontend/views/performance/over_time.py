"""The main metric over time, measured and estimated, with their intervals."""

from __future__ import annotations

import streamlit as st

from services.frontend import quality, reader
from services.frontend.charts import lines
from services.frontend.performance import Performance


def show(found: Performance) -> None:
    frame = quality.over_time(found)
    if frame.empty:
        return
    st.subheader("Over time", anchor=False)
    st.caption("Within the window, with 95% intervals. Measured needs labels; estimated does not.")
    name = quality.metric_name(found.metric)
    st.altair_chart(lines.intervals(frame, name, quality.marks(found), reader.dark()), alt=f"{name} over time")
