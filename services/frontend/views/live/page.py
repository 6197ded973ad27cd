"""Live: which services are ready and why not, and what is going on, now and over the last hour."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from services.frontend.charts.live import lines
from services.frontend.clients.services import ServiceHealth, Services, open_services
from services.frontend.formatting import DASH, code, duration, number, percent, plain, size, tag
from services.frontend.views import visitor
from services.frontend.views.live.traffic import Scrape, TrafficPoint, course, last_hour, read_scrape
from services.frontend.views.sections import redrawn, section

_EVERY_SECONDS = 5
_STATES = {
    "ready": ("ready", "green", ":material/check_circle:"),
    "waiting": ("not ready", "orange", ":material/hourglass_empty:"),
    "away": ("away", "red", ":material/cloud_off:"),
}
_PURPOSES = {
    "inference": "Answers predictions and writes every one down.",
    "collector": "Keeps the log in the database and hands it out.",
    "drift": "Compares the log with the training reference.",
}
_HISTORY = "live-history"
_FIRST_SCRAPE_SECONDS = 0.7
_MOST = 720  # an hour, at a scrape every five seconds
Values = Callable[[TrafficPoint], dict[str, float | None]]
Draw = tuple[str, str, str | None, Values]

_CHARTS: tuple[Draw, ...] = (
    ("Predictions", "a second", None, lambda r: dict(r.predictions)),
    ("Latency", "milliseconds", None, lambda r: {"median": _ms(r.p50), "95th percentile": _ms(r.p95)}),
    ("Errors", "share of requests answered 5xx", "%", lambda r: {"errors": r.errors}),
    ("Ingest", "records a second", None, lambda r: {"stored": r.stored, "lost": r.lost}),
    ("Waiting in the spool", "bytes", None, lambda r: {"waiting": r.waiting_bytes}),
    ("Oldest record that waits", "seconds", None, lambda r: {"oldest": r.oldest_seconds}),
)


def show() -> None:
    services = open_services()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Live", anchor=False)
        st.space("stretch")
        st.button("Check again", icon=":material/refresh:", key="check")
    redrawn(_EVERY_SECONDS, _readiness, services)
    st.space("small")
    redrawn(_EVERY_SECONDS, _traffic, services)


def _readiness(services: Services) -> None:
    health = services.health()
    waiting = [h for h in health if h.state != "ready"]
    if waiting:
        st.markdown(f"**{len(health) - len(waiting)} of {len(health)} services are ready.**")
    else:
        st.markdown("**All services are ready.**")
    with st.grid(min_column_width=260, gap="small"):
        for service in health:
            with st.container(border=True, gap="xsmall", key=f"service-{service.service}"):
                _card(service)


def _card(service: ServiceHealth) -> None:
    label, colour, icon = _STATES[service.state]
    st.markdown(f"**{service.service.capitalize()}**")
    with st.container(horizontal=True, gap="xsmall"):
        st.badge(label, color=colour, icon=icon)
        if service.version:
            st.badge(tag(f"version {service.version}"), color="gray")
    st.caption(_PURPOSES.get(service.service, ""))
    st.caption(code(service.url))
    for part, reason in service.reasons.items():
        st.caption(f":red[{plain(part)}]: {plain(reason)}")


def _traffic(services: Services) -> None:
    if services.prometheus:
        with section("The last hour"):
            _figures(last_hour(services.prometheus, datetime.now(UTC)))
            st.caption("The last hour, from Prometheus.")
            return
    history: list[Scrape] = st.session_state.setdefault(_HISTORY, [])
    if not history:  # a rate needs two scrapes
        history.append(_scrape(services))
        time.sleep(_FIRST_SCRAPE_SECONDS)
    history.append(_scrape(services))
    del history[:-_MOST]
    _figures(course(history))
    begun = history[0].at.astimezone(visitor.zone())
    st.caption(
        f"From the services' own `/metrics`, since you opened this page ({begun:%H:%M:%S}). "
        "With `PILOTHOUSE_PROMETHEUS_URL` set, it shows the last hour of Prometheus."
    )


def _scrape(services: Services) -> Scrape:
    return read_scrape(services.scrape(), datetime.now(UTC))


def _figures(points: Sequence[TrafficPoint]) -> None:
    if not points:
        st.caption("Prometheus has no figures of the last hour yet.")
        return
    _tiles(points[-1])
    with st.grid(min_column_width=330, gap="small"):
        for title, unit, format, values in _CHARTS:
            _chart(points, title, unit, format, values)


def _tiles(now: TrafficPoint) -> None:
    with st.grid(min_column_width=125, gap="small"):
        st.metric("Predictions / s", number(round(sum(now.predictions.values()), 2)), border=True)
        st.metric("Latency, p95", duration(now.p95), border=True)
        st.metric("Answered 5xx", DASH if now.errors is None else percent(now.errors), border=True)
        st.metric("Stored / s", DASH if now.stored is None else number(round(now.stored, 2)), border=True)
        st.metric("In the spool", size(now.waiting_bytes), border=True)
        st.metric("Oldest waiting", duration(now.oldest_seconds), border=True)


def _chart(points: Sequence[TrafficPoint], title: str, unit: str, format: str | None, values: Values) -> None:
    figures = [(point.at, values(point)) for point in points]
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
        span = (points[0].at, points[-1].at)
        drawn = lines(frame, span, visitor.dark(), format=format, top=_least(format))
        st.altair_chart(drawn, alt=f"{title}, {unit}")


def _least(format: str | None) -> float:
    """The least upper end of an axis, so that next to nothing does not look like much."""
    return 0.05 if format == "%" else 1.0


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
