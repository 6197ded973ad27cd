"""Drift: the verdict in a sentence, which columns moved and how far, since when, and Evidently's report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

import streamlit as st

from pilothouse.wire.drift import DriftAnswer
from services.frontend import sentences
from services.frontend.charts import drift as charts
from services.frontend.clients.services import in_background, open_services
from services.frontend.formatting import DASH, ago, parse_time, percent, plain, when
from services.frontend.views import address, sections, visitor
from services.frontend.views.drift import columns, embedding
from services.frontend.views.model_choice import ChosenModel, choose_model
from services.frontend.views.sections import section

_COLOURS = {"good": "green", "warn": "orange", "bad": "red", "quiet": "gray"}
_ICONS = {"good": ":material/check_circle:", "warn": ":material/info:", "bad": ":material/sailing:",
          "quiet": ":material/hourglass_empty:"}  # fmt: skip


def show() -> None:
    services = open_services()
    chosen = choose_model(services, "Drift")
    if chosen is None:
        return
    name, version, window = chosen.name, chosen.version, address.choose_window()
    runs = in_background(services.drift.history, name, version, address.current_span())
    distributions = in_background(services.drift.distributions, name, version, (), window)
    with section("The drift verdict"):
        answer = services.drift.verdict(name, version, window)
        if answer is None:
            advice = "No prediction of this model is in the log. Replay real data:"
            sections.empty("Nothing to compare yet", advice, "make demo")
            return
        _headline(answer)
        if answer.columns:
            _figures(answer, chosen)
        _history(runs)
        if answer.columns:
            columns.show(answer, distributions)
            embedding.show(services, chosen, window)
            _report(chosen, window)


def _report(chosen: ChosenModel, window: str | None) -> None:
    """It opens in a tab of its own: it takes seconds to make, and is megabytes of foreign script."""
    st.subheader("Evidently report", anchor=False)
    st.caption("Every column and every test of it, with the same methods and thresholds as above.")
    asked = {"model": chosen.name, "version": chosen.version} | ({"window": window} if window else {})
    st.link_button("Open the report", f"/drift-report?{urlencode(asked)}", icon=":material/open_in_new:")


def _history(ask: Callable[[], Sequence[DriftAnswer]]) -> None:
    """Every scoring run of a span that is chosen here. `ask` gives the runs, or raises a ServiceError."""
    st.subheader("Over time", anchor=False)
    length = address.choose_span()
    with section("The history"):
        known = [run for run in ask() if run.at and run.drift_share is not None]
        if not known:
            st.caption("No scoring run of this span is kept. The drift service scores as often as the manifest says.")
            return
        counted = "1 run" if len(known) == 1 else f"{len(known)} runs"
        drifted = sum(run.verdict == "drift" for run in known)
        st.caption(f"{counted}, {drifted} with drift. The dashed line is the limit of the share.")
        limit, now = known[0].drift_share_limit, datetime.now(UTC)
        alt = f"Share of drifted columns over time; {drifted} of {len(known)} runs say drift"
        st.altair_chart(charts.shares(known, (now - length, now), limit, visitor.dark()), alt=alt)


def _headline(answer: DriftAnswer) -> None:
    headline = sentences.drift_headline(answer)
    with st.container(border=True, key="verdict"):
        st.badge(headline.pill, icon=_ICONS[headline.tone], color=_COLOURS[headline.tone])
        st.subheader(plain(headline.sentence), anchor=False)
        for joint in answer.joint:
            if not joint.drifted and joint.message:
                st.caption(f":material/hub: {plain(sentences.joint(joint))}")
        if answer.stale:
            st.caption(":material/history: This is an old answer: the drift service cannot reach the collector.")
        if answer.verdict == "unknown":
            st.caption("Send more predictions, or replay real data through the stack:")
            st.code("make demo", language="bash")


def _figures(answer: DriftAnswer, chosen: ChosenModel) -> None:
    scored = [c for c in answer.columns if c.score is not None]
    limit = answer.drift_share_limit or chosen.manifest.monitoring.drift_share
    with st.grid(min_column_width=165, gap="small"):
        st.metric("Moved", f"{len(sentences.drifted(answer))} of {len(scored)}", border=True)
        share = DASH if answer.drift_share is None else percent(answer.drift_share)
        st.metric(f"Share (limit {percent(limit)})", share, border=True)
        st.metric("Rows compared", f"{answer.rows:,}", border=True)
        scored_at = parse_time(answer.at)
        st.metric("Scored", ago(scored_at, datetime.now(UTC)) if scored_at else DASH, border=True)
    if (start := parse_time(answer.window.start)) and (end := parse_time(answer.window.end)):
        zone = visitor.zone()
        st.caption(
            f"Predictions from {when(start, zone)} to {when(end, zone)} ({zone}), against the training reference."
        )
