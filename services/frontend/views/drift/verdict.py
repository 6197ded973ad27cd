"""The verdict in one sentence, with the figures behind it."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from services.frontend import reader, sentences
from services.frontend.answers import Drift
from services.frontend.choice import Chosen
from services.frontend.text import DASH, ago, moment, percent, plain, when

COLOURS = {"good": "green", "warn": "orange", "bad": "red", "quiet": "gray"}
_ICONS = {"good": ":material/check_circle:", "warn": ":material/info:", "bad": ":material/sailing:",
          "quiet": ":material/hourglass_empty:"}  # fmt: skip


def show(answer: Drift, chosen: Chosen) -> None:
    _headline(answer)
    if answer.columns:
        _metrics(answer, chosen)


def _headline(answer: Drift) -> None:
    said = sentences.verdict(answer)
    with st.container(border=True, key="verdict"):
        st.badge(said.pill, icon=_ICONS[said.tone], color=COLOURS[said.tone])
        st.subheader(plain(said.sentence), anchor=False)
        for joint in answer.joint:
            if not joint.drifted and joint.message:
                st.caption(f":material/hub: {plain(sentences.joint(joint))}")
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
