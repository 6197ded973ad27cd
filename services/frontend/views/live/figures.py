"""Traffic, latency, errors, spool and ingest: the newest figures, and their course."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from services.frontend import notices, reader, sources
from services.frontend.api import Services
from services.frontend.charts import lines
from services.frontend.readings import Reading, Sample, readings
from services.frontend.text import DASH, bytes_of, number, percent, seconds_of

_HISTORY = "live-history"
_FIRST_LOOK_SECONDS = 0.7
_MOST = 720  # an hour, at a sample every five seconds
Values = Callable[[Reading], dict[str, float | None]]
Draw = tuple[str, str, str | None, Values]

_CHARTS: tuple[Draw, ...] = (
    ("Predictions", "a second", None, lambda r: dict(r.predictions)),
    ("Latency", "milliseconds", None, lambda r: {"median": _ms(r.p50), "95th percentile": _ms(r.p95)}),
    ("Errors", "share of requests answered 5xx", "%", lambda r: {"errors": r.errors}),
    ("Ingest", "records a second", None, lambda r: {"stored": r.stored, "lost": r.lost}),
    ("Waiting in the spool", "bytes", None, lambda r: {"waiting": r.waiting_bytes}),
    ("Oldest record that waits", "seconds", None, lambda r: {"oldest": r.oldest_seconds}),
)


def show(services: Services) -> None:
    if services.prometheus:
        with notices.part("The last hour"):
            _draw(sources.last_hour(services))
            st.caption("The last hour, from Prometheus.")
            return
    history: list[Sample] = st.session_state.setdefault(_HISTORY, [])
    if not history:  # a rate needs two looks
        history.append(sources.traffic_now(services))
        time.sleep(_FIRST_LOOK_SECONDS)
    history.append(sources.traffic_now(services))
    del history[:-_MOST]
    _draw(readings(history))
    begun = history[0].at.astimezone(reader.zone())
    st.caption(
        f"From the services' own `/metrics`, since you opened this page ({begun:%H:%M:%S}). "
        "With `PILOTHOUSE_PROMETHEUS_URL` set, it shows the last hour of Prometheus."
    )


def _draw(course: Sequence[Reading]) -> None:
    if not course:
        st.caption("Prometheus has no figures of the last hour yet.")
        return
    _tiles(course[-1])
    with st.grid(min_column_width=330, gap="small"):
        for title, unit, format, values in _CHARTS:
            _chart(course, title, unit, format, values)


def _tiles(now: Reading) -> None:
    with st.grid(min_column_width=125, gap="small"):
        st.metric("Predictions / s", number(round(sum(now.predictions.values()), 2)), border=True)
        st.metric("Latency, p95", seconds_of(now.p95), border=True)
        st.metric("Answered 5xx", DASH if now.errors is None else percent(now.errors), border=True)
        st.metric("Stored / s", DASH if now.stored is None else number(round(now.stored, 2)), border=True)
        st.metric("In the spool", bytes_of(now.waiting_bytes), border=True)
        st.metric("Oldest waiting", seconds_of(now.oldest_seconds), border=True)


def _chart(course: Sequence[Reading], title: str, unit: str, format: str | None, values: Values) -> None:
    figures = [(reading.at, values(reading)) for reading in course]
    names = dict.fromkeys(name for _, found in figures for name in found)
    rows: list[tuple[datetime, str, float]] = [
        (at, name, value) for name in names for at, found in figures if (value := found.get(name)) is not None
    ]
    with st.container(border=True, gap="xsmall", key=f"live-{title}"):
        st.markdown(f"**{title}** :small[:gray[{unit}]]")
        if not rows:
            st.caption("Nothing to show yet.")
            return
        frame = pd.DataFrame(rows, columns=["time", "series", "value"])
        span = (course[0].at, course[-1].at)
        drawn = lines.lines(frame, span, reader.dark(), format=format, top=_least(format))
        st.altair_chart(drawn, alt=f"{title}, {unit}")


def _least(format: str | None) -> float:
    """The least upper end of an axis, so that next to nothing does not look like much."""
    return 0.05 if format == "%" else 1.0


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
