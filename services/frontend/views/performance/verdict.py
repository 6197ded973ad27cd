"""Whether the model is good enough, in a sentence, and the figures."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import streamlit as st

from services.frontend import quality
from services.frontend.choice import Chosen
from services.frontend.performance import Performance
from services.frontend.text import DASH, percent, plain

_PILLS = {
    "ok": ("Good enough", "green", ":material/check_circle:"),
    "below floor": ("Below its floor", "red", ":material/trending_down:"),
}
_UNKNOWN = ("No verdict", "gray", ":material/hourglass_empty:")


def show(found: Performance, chosen: Chosen) -> None:
    label, colour, icon = _PILLS.get(found.verdict, _UNKNOWN)
    with st.container(border=True, key="performance-verdict"):
        with st.container(horizontal=True, gap="xsmall"):
            st.badge(label, icon=icon, color=colour)
            if found.basis:
                st.badge(found.basis, color="gray")
        st.subheader(plain(quality.sentence(found)), anchor=False)
        for message in quality.caveats(found):
            st.caption(f":material/info: {plain(message)}")
    _figures(found)
    if found.measured.metrics or found.estimated.metrics:
        with st.expander("Every metric"):
            st.dataframe(_table(found), hide_index=True, alt="Performance metrics")


def _figures(found: Performance) -> None:
    name = quality.metric_name(found.metric)
    measured, estimated = found.measured.metrics.get(found.metric), found.estimated.metrics.get(found.metric)
    with st.grid(min_column_width=140, gap="small"):
        st.metric("Measured", quality.figure(measured), border=True, help=f"{name}: {quality.interval(measured)}")
        st.metric("Estimated", quality.figure(estimated), border=True, help=f"{name}: {quality.interval(estimated)}")
        floor = DASH if found.floor is None else quality.plain_figure(found.floor)
        st.metric("Floor", floor, border=True, help="`performance_floor` of the manifest")
        coverage = DASH if found.label_coverage is None else percent(found.label_coverage)
        said = f"{found.labelled_rows:,} of {found.rows:,} predictions"
        st.metric("With a label", coverage, border=True, help=said)
        if found.label_lag_seconds and found.label_lag_seconds.median is not None:
            st.metric(
                "Label lag",
                _span(found.label_lag_seconds.median),
                border=True,
                help="From a prediction to its label, median",
            )


def _table(found: Performance) -> pd.DataFrame:
    names = dict.fromkeys([*found.measured.metrics, *found.estimated.metrics, *found.reference.metrics])
    rows = [
        (
            quality.metric_name(name),
            quality.with_interval(found.measured.metrics.get(name)),
            quality.with_interval(found.estimated.metrics.get(name)),
            quality.plain_figure(found.reference.metrics[name]) if name in found.reference.metrics else DASH,
        )
        for name in names
    ]
    return pd.DataFrame(rows, columns=["Metric", "Measured", "Estimated", "On the reference"])


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    length = timedelta(seconds=round(seconds))
    return f"{length.days} days" if length.days > 1 else f"{length.total_seconds() / 3600:.0f} h"
