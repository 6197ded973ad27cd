"""Performance: how good the predictions were, measured by labels and estimated without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from pilothouse.tasks import metric_title
from pilothouse.wire.performance import PerformanceAnswer
from services.frontend.charts import performance as charts
from services.frontend.clients.services import Services, in_background, open_services
from services.frontend.formatting import duration, percent, plain
from services.frontend.views import address, sections, visitor
from services.frontend.views.model_choice import ChosenModel, choose_model
from services.frontend.views.performance import errors, metrics
from services.frontend.views.sections import section

_PILLS = {
    "ok": ("Good enough", "green", ":material/check_circle:"),
    "below floor": ("Below its floor", "red", ":material/trending_down:"),
}
_UNKNOWN = ("No verdict", "gray", ":material/hourglass_empty:")


def show() -> None:
    services = open_services()
    chosen = choose_model(services, "Performance")
    if chosen is None:
        return
    window, span = address.choose_window(), address.current_span()
    runs = in_background(services.drift.performance_history, chosen.name, chosen.version, span)
    with section("The performance"):
        found = _ask(services, chosen, window)
        if found is None:
            return
        _verdict(found)
        if not found.labelled_rows:
            st.caption("Labels turn estimates into measurements. Give them one by one on the page Records, or many:")
            st.code("pilothouse label --help", language="bash")
            address.link("records", "Label a record")
        _within_window(found)
        _runs(found, runs)
        errors.show(found, chosen)
        errors.show_segments(services, chosen, window, found)


def _ask(services: Services, chosen: ChosenModel, window: str | None) -> PerformanceAnswer | None:
    """None when there is nothing to judge, which is then said."""
    found = services.drift.performance(chosen.name, chosen.version, window)
    if found.rows:
        return found
    longer = "No prediction of this window is in the log. Choose a longer one, or replay real data:"
    advice = longer if window else "Predict something, or replay real data through the stack:"
    sections.empty("Nothing to judge yet", advice, "make demo")
    return None


def _verdict(found: PerformanceAnswer) -> None:
    label, colour, icon = _PILLS.get(found.verdict, _UNKNOWN)
    with st.container(border=True, key="performance-verdict"):
        with st.container(horizontal=True, gap="xsmall"):
            st.badge(label, icon=icon, color=colour)
            if found.basis:
                st.badge(found.basis, color="gray")
        st.subheader(plain(metrics.sentence(found)), anchor=False)
        for message in metrics.caveats(found):
            st.caption(f":material/info: {plain(message)}")
    _figures(found)
    if found.measured.metrics or found.estimated.metrics:
        with st.expander("Every metric"):
            st.dataframe(_table(found), hide_index=True, alt="Performance metrics")


def _figures(found: PerformanceAnswer) -> None:
    name = metric_title(found.metric)
    with st.grid(min_column_width=140, gap="small"):
        for label, side in (("Measured", found.measured), ("Estimated", found.estimated)):
            value = side.metrics.get(found.metric)
            interval = metrics.interval(value)
            said = f"{interval}, with 95% confidence" if interval else "No interval"
            st.metric(label, metrics.figure(value), border=True, help=f"{name}: {said}")
        floor = metrics.plain_figure(found.floor)
        st.metric("Floor", floor, border=True, help="`performance_floor` of the manifest")
        said = f"{found.labelled_rows:,} of {found.rows:,} predictions"
        st.metric("With a label", percent(found.label_coverage), border=True, help=said)
        lag = found.label_lag_seconds
        if lag and lag.median is not None:
            st.metric(
                "Label lag", duration(round(lag.median, 1)), border=True, help="From a prediction to its label, median"
            )


def _table(found: PerformanceAnswer) -> pd.DataFrame:
    names = dict.fromkeys([*found.measured.metrics, *found.estimated.metrics, *found.reference.metrics])
    rows = [
        (
            metric_title(name),
            metrics.with_interval(found.measured.metrics.get(name)),
            metrics.with_interval(found.estimated.metrics.get(name)),
            metrics.plain_figure(found.reference.metrics.get(name)),
        )
        for name in names
    ]
    return pd.DataFrame(rows, columns=["Metric", "Measured", "Estimated", "On the reference"])


def _within_window(found: PerformanceAnswer) -> None:
    """Within the window."""
    frame = charts.over_time(found)
    if frame.empty:
        return
    st.subheader("Over time", anchor=False)
    st.caption("Within the window, with 95% intervals. Measured needs labels; estimated does not.")
    name = metric_title(found.metric)
    st.altair_chart(charts.intervals(frame, name, charts.levels(found), visitor.dark()), alt=f"{name} over time")


def _runs(found: PerformanceAnswer, ask: Callable[[], Sequence[PerformanceAnswer]]) -> None:
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
