"""Where messages go: the channels that are set, whether the last message arrived and why not, and a test message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from pilothouse.wire.alerts import AlertChannel
from services.frontend.clients import cache
from services.frontend.clients.alertmanager import AlertmanagerClient
from services.frontend.clients.services import Services, in_background
from services.frontend.formatting import plain, tag
from services.frontend.views import visitor
from services.frontend.views.alerts import delivery
from services.frontend.views.alerts.delivery import Deliveries
from services.frontend.views.sections import redrawn, section

_EVERY_SECONDS = 10
_COLOURS = {"good": "green", "bad": "red", "warn": "orange", "quiet": "gray"}
_TEST = (
    "Have Alertmanager send a message that says that it is a test. It arrives within a minute, and in the inbox too."
)


def show(services: Services, alertmanager: AlertmanagerClient) -> None:
    """The section, with the channels drawn anew every few seconds."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader("Where messages go", anchor=False)
        if st.button("Send a test message", icon=":material/send:", help=_TEST):
            _send_test(alertmanager)
    redrawn(_EVERY_SECONDS, _channels, services, alertmanager)


def _channels(services: Services, alertmanager: AlertmanagerClient) -> None:
    with section("The channels"):
        found = services.alert_channels()
        channels = delivery.configured(alertmanager.configuration()) if found is None else found
        deliveries = _deliveries(services, alertmanager)
        for channel in channels:
            _row(channel, deliveries)
        if not channels:
            st.caption(
                "To this page's inbox alone: nobody is told. "
                "The variables `PILOTHOUSE_ALERT_*` switch on e-mail, Slack, PagerDuty, Teams and webhooks."
            )


def _deliveries(services: Services, alertmanager: AlertmanagerClient) -> Deliveries:
    """What Alertmanager counted, and where there is a Prometheus, when."""
    if services.prometheus is None:
        return delivery.read_deliveries(alertmanager.metrics())
    now = datetime.now(UTC).replace(microsecond=0)
    queries = (delivery.LAST_SENT, delivery.LAST_FAILED)
    asked = [in_background(services.prometheus.over_time, query, now, now, 60) for query in queries]
    counted = delivery.read_deliveries(alertmanager.metrics())
    with section("When messages went"):
        sent, failed = (delivery.last_times(ask()) for ask in asked)
        return replace(counted, last_sent=sent, last_failed=failed)
    return counted


def _row(channel: AlertChannel, deliveries: Deliveries) -> None:
    said = delivery.headline(channel, deliveries, datetime.now(UTC))
    with st.container(gap=None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(tag(said.pill), color=_COLOURS[said.tone])
            st.markdown(f"**{delivery.title(channel)}** {plain(channel.target)}", width="content")
        st.caption(plain(said.sentence))


def _send_test(alertmanager: AlertmanagerClient) -> None:
    with section("The test message"):
        alertmanager.send_test(visitor.name() or "somebody", visitor.own_key())
        cache.forget()
        st.toast("A test message is on its way: look for it in the next minute.", icon=":material/send:")
