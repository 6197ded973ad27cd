"""Whether the model is good enough, in a sentence, and the figures."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pilothouse.tasks import metric_title
from pilothouse.wire.performance import PerformanceAnswer
from services.frontend.formatting import duration, percent, plain
from services.frontend.views.performance import metrics

_PILLS = {
    "ok": ("Good enough", "green", ":material/check_circle:"),
    "below floor": ("Below its floor", "red", ":material/trending_down:"),
}
_UNKNOWN = ("No verdict", "gray", ":material/hourglass_empty:")


def show(found: PerformanceAnswer) -> None:
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
            st.metric("Label lag", duration(lag.median), border=True, help="From a prediction to its label, median")


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
