"""Drift: the verdict in a sentence, which columns moved and how far, and Evidently's full report."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from services.frontend import charts, links, notices, reader, report, sentences, sources
from services.frontend.answers import Drift
from services.frontend.api import Services
from services.frontend.choice import Chosen, choose_model
from services.frontend.errors import ServiceRefused
from services.frontend.text import DASH, ago, moment, number, percent, plain, title, when

WINDOWS = {"latest": "Newest", "1h": "Hour", "24h": "Day", "7d": "Week"}
_COLOURS = {"good": "green", "warn": "orange", "bad": "red", "quiet": "gray"}
_ICONS = {"good": ":material/check_circle:", "warn": ":material/info:", "bad": ":material/sailing:",
          "quiet": ":material/hourglass_empty:"}  # fmt: skip
_REPORT_PIXELS = 900


def show() -> None:
    services = sources.open_services()
    chosen = choose_model(services, "Drift")
    if chosen is None:
        return
    chosen_window = _choose_window()
    window = None if chosen_window == "latest" else chosen_window
    with notices.part("The drift verdict"):
        answer = _verdict(services, chosen, window)
        if answer:
            _headline(answer)
            if answer.columns:
                _metrics(answer, chosen)
                _columns(answer)
                _report(services, chosen, window)


def _choose_window() -> str:
    value = links.choose("window", list(WINDOWS), "latest")
    st.segmented_control(
        "Window",
        list(WINDOWS),
        format_func=lambda option: WINDOWS[option],
        key=links.widget_key("window"),
        on_change=links.changed,
        args=("window",),
        required=True,
        label_visibility="collapsed",
    )
    return value


def _verdict(services: Services, chosen: Chosen, window: str | None) -> Drift | None:
    """The newest answer; None when nothing of this model was ever logged, which is then said."""
    try:
        return services.drift.verdict(chosen.name, chosen.version, window)
    except ServiceRefused as refusal:
        if refusal.status != 404:
            raise
    notices.empty("Nothing to compare yet", "No prediction of this model is in the log. Replay real data:", "make demo")
    return None


def _headline(answer: Drift) -> None:
    verdict = sentences.verdict(answer)
    with st.container(border=True, key="verdict"):
        st.badge(verdict.pill, icon=_ICONS[verdict.tone], color=_COLOURS[verdict.tone])
        st.subheader(plain(verdict.sentence), anchor=False)
        if answer.stale:
            st.caption(":material/history: This is an old answer: the drift service cannot reach the collector.")
        if answer.verdict == "unknown":
            st.caption("Send more predictions, or replay real data through the stack:")
            st.code("make demo", language="bash")


def _metrics(answer: Drift, chosen: Chosen) -> None:
    scored = [c for c in answer.columns if c.score is not None]
    rows = answer.rows if answer.rows is not None else answer.window.rows if answer.window else None
    limit = answer.drift_share_limit or chosen.manifest.monitoring.drift_share
    with st.grid(min_column_width=165, gap="small"):
        st.metric("Moved", f"{len(sentences.drifted(answer))} of {len(scored)}", border=True)
        share = DASH if answer.drift_share is None else percent(answer.drift_share)
        st.metric(f"Share (limit {percent(limit)})", share, border=True)
        st.metric("Rows compared", DASH if rows is None else f"{rows:,}", border=True)
        scored_at = moment(answer.at)
        st.metric("Scored", ago(scored_at, datetime.now(UTC)) if scored_at else DASH, border=True)
    if answer.window and (start := moment(answer.window.start)) and (end := moment(answer.window.end)):
        zone = reader.zone()
        st.caption(
            f"Predictions from {when(start, zone)} to {when(end, zone)} ({zone}), against the training reference."
        )


def _columns(answer: Drift) -> None:
    """Every column's distance in multiples of its threshold, the raw numbers, and what could not be scored."""
    if any(c.score is not None for c in answer.columns):
        st.subheader("How far each column moved", anchor=False)
        st.caption("Distance from the training reference, in multiples of the column's threshold (dashed line).")
        st.altair_chart(charts.drift_scores(answer.columns, reader.dark()), alt=sentences.verdict(answer).sentence)
        with st.expander("Scores and methods"):
            st.dataframe(_score_table(answer), hide_index=True, alt="Drift scores by column")
    with st.container(gap="xsmall"):
        for column in answer.columns:
            if column.message:
                st.caption(f":material/info: {plain(title(column.name))}: {plain(column.message)}")


def _score_table(answer: Drift) -> pd.DataFrame:
    ordered = sorted(answer.columns, key=sentences.excess, reverse=True)
    rows = [
        {
            "Column": c.name,
            "Drifted": "yes" if c.drifted else "no" if c.drifted is not None else DASH,
            "Score": DASH if c.score is None else number(c.score),
            "Threshold": DASH if c.threshold is None else number(c.threshold),
            "Method": c.stattest or DASH,
            "Note": c.message or "",
        }
        for c in ordered
    ]
    return pd.DataFrame(rows)


def _report(services: Services, chosen: Chosen, window: str | None) -> None:
    """The report, when it is asked for: it takes seconds to make and megabytes to send."""
    st.subheader("Evidently report", anchor=False)
    shown = links.choose("report", ["hidden", "shown"], "hidden") == "shown"
    st.session_state[links.widget_key("report")] = shown
    st.toggle("Show the full report", key=links.widget_key("report"), on_change=_toggled)
    if not shown:
        st.caption("Distributions of every column side by side, with the same methods and thresholds as above.")
        return
    with notices.part("The report"):
        with st.spinner("Evidently is comparing. The first report takes some seconds."):
            page = sources.report(services, chosen.name, chosen.version, window)
        name = f"drift-{chosen.name}-{chosen.version}.html"
        st.download_button("Download", page, name, "text/html", icon=":material/download:", on_click="ignore")
        st.iframe(report.sandboxed(page, "Evidently report"), height=_REPORT_PIXELS, alt="Evidently report")


def _toggled() -> None:
    links.remember("report", "shown" if st.session_state[links.widget_key("report")] else "hidden")
