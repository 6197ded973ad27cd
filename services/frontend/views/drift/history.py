"""Drift over time: what every scoring run of a span said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from services.frontend import notices, reader
from services.frontend.answers import Drift, DriftRuns
from services.frontend.charts import lines
from services.frontend.text import moment
from services.frontend.views import span


def show(ask: Callable[[], DriftRuns]) -> None:
    """`ask` gives the runs of the span, or raises a ServiceError."""
    st.subheader("Over time", anchor=False)
    length = span.LENGTHS[span.choose()]
    with notices.part("The history"):
        runs = [r for r in ask().drift_runs if r.at]
        known = [r for r in runs if r.drift_share is not None]
        if not known:
            st.caption("No scoring run of this span is kept. The drift service scores as often as the manifest says.")
            return
        counted = "1 run" if len(known) == 1 else f"{len(known)} runs"
        drifted = sum(r.verdict == "drift" for r in known)
        st.caption(f"{counted}, {drifted} with drift. The dashed line is the limit of the share.")
        limit, now = known[0].drift_share_limit, datetime.now(UTC)
        alt = f"Share of drifted columns over time; {drifted} of {len(known)} runs say drift"
        st.altair_chart(lines.drift_shares(_frame(known), (now - length, now), limit, reader.dark()), alt=alt)


def _frame(runs: list[Drift]) -> pd.DataFrame:
    rows = [
        (moment(r.at), r.drift_share, r.verdict, ", ".join(c.name for c in r.columns if c.drifted)[:120])
        for r in reversed(runs)
    ]
    return pd.DataFrame(rows, columns=["time", "share", "verdict", "columns"])
