"""Drift over time: what every scoring run of a span said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from services.frontend import links, notices, reader, sources
from services.frontend.answers import Drift
from services.frontend.api import Services
from services.frontend.charts import lines
from services.frontend.choice import Chosen
from services.frontend.text import moment

_SPANS = {"1h": "Hour", "24h": "Day", "7d": "Week", "30d": "Month"}
_LENGTHS = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}


def show(services: Services, chosen: Chosen) -> None:
    st.subheader("Over time", anchor=False)
    span = _choose()
    with notices.part("The history"):
        runs = [r for r in sources.drift_history(services, chosen.name, chosen.version, span).drift_runs if r.at]
        known = [r for r in runs if r.drift_share is not None]
        if not known:
            st.caption("No scoring run of this span is kept. The drift service scores as often as the manifest says.")
            return
        counted = "1 run" if len(known) == 1 else f"{len(known)} runs"
        drifted = sum(r.verdict == "drift" for r in known)
        st.caption(f"{counted}, {drifted} with drift. The dashed line is the limit of the share.")
        limit, now = known[0].drift_share_limit, datetime.now(UTC)
        alt = f"Share of drifted columns over time; {drifted} of {len(known)} runs say drift"
        st.altair_chart(lines.drift_shares(_frame(known), (now - _LENGTHS[span], now), limit, reader.dark()), alt=alt)


def _choose() -> str:
    value = links.choose("history", list(_SPANS), "24h")
    st.segmented_control(
        "Span",
        list(_SPANS),
        format_func=lambda option: _SPANS[option],
        key=links.widget_key("history"),
        on_change=links.changed,
        args=("history",),
        required=True,
        label_visibility="collapsed",
    )
    return value


def _frame(runs: list[Drift]) -> pd.DataFrame:
    rows = [
        (moment(r.at), r.drift_share, r.verdict, ", ".join(c.name for c in r.columns if c.drifted)[:120])
        for r in reversed(runs)
    ]
    return pd.DataFrame(rows, columns=["time", "share", "verdict", "columns"])
