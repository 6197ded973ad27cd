"""Alerts: what is wrong now, what was, and which runbook says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from pilothouse.wire.drift import DriftAnswer
from services.frontend.clients import cache
from services.frontend.clients.prometheus import AlertRule
from services.frontend.clients.services import Services, in_background, open_services
from services.frontend.formatting import ago, plain, tag, when
from services.frontend.views import address, visitor
from services.frontend.views.alerts import alert_list, runbooks
from services.frontend.views.alerts.alert_list import AlertNotice
from services.frontend.views.sections import redrawn, section

_EVERY_SECONDS = 6
_ROWS = 100
_SENDERS = 3
_COLOURS = {"firing": "red", "pending": "orange", "resolved": "green"}
_SHOWN = {"all": "All", "firing": "Firing", "resolved": "Resolved"}


def show() -> None:
    services = open_services()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Alerts", anchor=False)
        st.space("stretch")
        st.button("Check again", icon=":material/refresh:", key="check-alerts", on_click=cache.forget)
    redrawn(_EVERY_SECONDS, _now, services)
    _inbox(services)
    if services.prometheus:
        with section("The rules"):
            _rules(services.prometheus.alert_rules())


def _now(services: Services) -> None:
    """What fires or is about to, as the inbox, Prometheus and the drift service know it."""
    found: list[AlertNotice] = []
    asked = 0
    firing = in_background(services.collector.alerts, "firing", _ROWS)
    rules = in_background(services.prometheus.alert_rules) if services.prometheus else list
    verdicts = in_background(_verdicts, services)
    with section("The inbox"):
        found += alert_list.of_inbox(firing().alerts)
        asked += 1
    with section("What Prometheus says"):
        found = [*alert_list.of_prometheus(rules()), *found]
        asked += 1
    with section("What the drift service says"):
        found += alert_list.of_drift(verdicts())
        asked += 1
    current = alert_list.merged(found)
    if not current and asked == _SENDERS:
        st.success("Nothing fires.", icon=":material/check_circle:")
    for position, notice in enumerate(current):
        _card(notice, f"now-{position}")


def _verdicts(services: Services) -> list[DriftAnswer]:
    """What the drift service last said of every model that answers."""
    models = services.collector.models()
    asked = [in_background(services.drift.verdict, model.name, model.version) for model in models]
    return [answer for ask in asked if (answer := ask())]


def _card(notice: AlertNotice, key: str) -> None:
    with st.container(border=True, gap="xsmall", key=key):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.badge(tag(notice.state), color=_COLOURS.get(notice.state, "gray"))
            if notice.severity:
                st.badge(tag(notice.severity), color="gray")
            st.markdown(f"**{plain(notice.name)}**", width="content")
            if notice.model:
                st.caption(plain(notice.model), width="content")
        st.markdown(plain(_sentence(notice)))
        if notice.description and notice.description != notice.summary:
            st.caption(plain(notice.description))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(f"{_since(notice)}from {notice.source}"), width="content")
            _runbook(notice.runbook)


def _sentence(notice: AlertNotice) -> str:
    """The summary as a sentence; one that begins with the model's name keeps it as it is."""
    said, name = notice.summary, notice.model.partition(" ")[0]
    return said if name and said.startswith(name) else said[:1].upper() + said[1:]


def _runbook(address: str | None) -> None:
    """A link where a browser may follow it; the section itself where it is one of our own."""
    icon = ":material/menu_book:"
    ours = runbooks.section(address) if address else None
    if ours:
        with st.popover("Runbook", icon=icon, type="tertiary", width="content"):
            st.markdown(ours)
    elif address and alert_list.followed(address):
        st.link_button("Runbook", address, icon=icon, type="tertiary")


def _since(notice: AlertNotice) -> str:
    if notice.since is None:
        return ""
    return f"since {when(notice.since, visitor.zone())}, {ago(notice.since, datetime.now(UTC))}, "


def _inbox(services: Services) -> None:
    st.subheader("Inbox", anchor=False)
    chosen = address.choose_one("Show", "alerts", _SHOWN, "all")
    with section("The list of alerts"):
        inbox = services.collector.alerts(None if chosen == "all" else chosen, _ROWS)
        if not inbox.alerts:
            st.caption(
                "No alert has come in. Grafana and Alertmanager send theirs to the collector: `POST /v1/alerts`."
            )
            return
        st.dataframe(_table(alert_list.of_inbox(inbox.alerts)), hide_index=True, alt="Alerts", column_config=_config())
        if inbox.next:
            st.caption(f"The newest {_ROWS}.")


def _table(found: list[AlertNotice]) -> pd.DataFrame:
    zone = visitor.zone()
    rows = [
        (n.state, n.name, n.model, n.summary, n.severity, n.since and n.since.astimezone(zone),
         n.until and n.until.astimezone(zone), alert_list.followed(n.runbook))
        for n in found
    ]  # fmt: skip
    columns = ["State", "Alert", "Model", "Summary", "Severity", "Began", "Ended", "Runbook"]
    return pd.DataFrame(rows, columns=columns)


def _config() -> dict[str, object]:
    times = {name: st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss") for name in ("Began", "Ended")}
    return {"Runbook": st.column_config.LinkColumn(display_text="open"), **times}


def _rules(rules: Sequence[AlertRule]) -> None:
    """Every alert rule, whether or not it fires."""
    firing = sum(r.state == "firing" for r in rules)
    with st.expander(f"{len(rules)} rules in Prometheus, {firing} of them firing"):
        rows = [(r.state, r.name, r.annotations.get("summary", ""), r.health, r.last_error) for r in rules]
        table = pd.DataFrame(rows, columns=["State", "Rule", "Meaning", "Health", "Error"])
        st.dataframe(table, hide_index=True, alt="Alert rules")
