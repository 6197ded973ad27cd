"""The main metric over time with its intervals: within the window, and as every past run said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import streamlit as st

from pilothouse.tasks import metric_title
from pilothouse.wire.performance import PerformanceAnswer
from services.frontend.charts import performance as charts
from services.frontend.views import address, visitor
from services.frontend.views.sections import section


def show(found: PerformanceAnswer) -> None:
    """Within the window."""
    frame = charts.over_time(found)
    if frame.empty:
        return
    st.subheader("Over time", anchor=False)
    st.caption("Within the window, with 95% intervals. Measured needs labels; estimated does not.")
    name = metric_title(found.metric)
    st.altair_chart(charts.intervals(frame, name, charts.levels(found), visitor.dark()), alt=f"{name} over time")


def show_runs(found: PerformanceAnswer, ask: Callable[[], Sequence[PerformanceAnswer]]) -> None:
    """Whether the model was getting worse before this window. `ask` gives the runs, or raises a ServiceError."""
    st.subheader("Run by run", anchor=False)
    length = address.choose_span()
    with section("The history"):
        runs = [run for run in ask() if run.at and run.metric == found.metric]
        frame = charts.run_by_run(runs)
        if frame.empty:
            st.caption("Nothing of this span is kept. The drift service looks whenever records or labels have come.")
            return
        counted = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
        below = sum(run.verdict == "below floor" for run in runs)
        st.caption(f"{counted}, {below} below the floor. Each is about the newest predictions of its time.")
        name, now = metric_title(found.metric), datetime.now(UTC)
        drawn = charts.intervals(frame, name, charts.levels(found), visitor.dark(), (now - length, now))
        st.altair_chart(drawn, alt=f"{name} of {counted}, {below} below the floor")
