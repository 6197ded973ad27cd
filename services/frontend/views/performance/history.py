"""What every past computation of the performance said: whether the model was getting worse before this window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from services.frontend import notices, quality, reader
from services.frontend.charts import lines
from services.frontend.performance import Performance, PerformanceRuns
from services.frontend.views import span


def show(found: Performance, ask: Callable[[], PerformanceRuns]) -> None:
    """`ask` gives the runs of the span, or raises a ServiceError."""
    st.subheader("Run by run", anchor=False)
    length = span.LENGTHS[span.choose()]
    with notices.part("The history"):
        runs = [r for r in ask().performance_runs if r.at and r.metric == found.metric]
        frame = quality.run_by_run(runs)
        if frame.empty:
            st.caption("Nothing of this span is kept. The drift service looks whenever records or labels have come.")
            return
        counted = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
        below = sum(r.verdict == "below floor" for r in runs)
        st.caption(f"{counted}, {below} below the floor. Each is about the newest predictions of its time.")
        name, now = quality.metric_name(found.metric), datetime.now(UTC)
        drawn = lines.intervals(frame, name, quality.marks(found), reader.dark(), (now - length, now))
        st.altair_chart(drawn, alt=f"{name} of {counted}, {below} below the floor")
