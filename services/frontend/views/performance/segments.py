"""The main metric by the values of a chosen feature."""

from __future__ import annotations

import streamlit as st

from services.frontend import links, notices, quality, reader, sources
from services.frontend.api import Services
from services.frontend.charts import quality as charts
from services.frontend.choice import Chosen
from services.frontend.performance import Performance
from services.frontend.text import title

_NONE = "none"


def show(services: Services, chosen: Chosen, window: str | None, found: Performance) -> None:
    if not found.rows:
        return
    st.subheader("By segment", anchor=False)
    segment = _choose(chosen)
    if segment == _NONE:
        st.caption("Choose a feature to see where the model is better and where it is worse.")
        return
    with notices.part("The segments"):
        answer = sources.performance(services, chosen.name, chosen.version, window, segment)
        known = [s for s in answer.segments or () if s.measured or s.estimated]
        if not known:
            st.caption("There is no segment with enough rows.")
            return
        name = quality.metric_name(found.metric)
        drawn = charts.segments(known, name, quality.marks(found), reader.dark())
        st.altair_chart(drawn, alt=f"{name} by {segment}")


def _choose(chosen: Chosen) -> str:
    options = [_NONE, *chosen.manifest.input_columns]
    value = links.choose("segment", options, _NONE)
    st.selectbox(
        "Segment",
        options,
        format_func=lambda option: "No feature" if option == _NONE else title(option),
        key=links.widget_key("segment"),
        on_change=links.changed,
        args=("segment",),
        label_visibility="collapsed",
    )
    return value
