"""Alerts: what is wrong now, what was, and which runbook says what to do."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pilothouse.wire.drift import DriftAnswer
from services.frontend.clients import cache
from services.frontend.clients.alertmanager import AlertmanagerClient, HeldAlert
from services.frontend.clients.prometheus import AlertRule
from services.frontend.clients.services import Services, in_background, open_services
from services.frontend.clients.silences import Silence
from services.frontend.views import address, visitor
from services.frontend.views.alerts import alert_list, cards, messages, snoozing
from services.frontend.views.alerts.alert_list import AlertNotice
from services.frontend.views.sections import redrawn, section

_EVERY_SECONDS = 6
_ROWS = 100
_SENDERS = 4
_SHOWN = {"all": "All", "firing": "Firing", "resolved": "Resolved"}


def show() -> None:
    services = open_services()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Alerts", anchor=False)
        st.space("stretch")
        st.button("Check again", icon=":material/refresh:", key="check-alerts", on_click=cache.forget)
    if services.alertmanager:
        snoozing.show_dialog(services.alertmanager)
    redrawn(_EVERY_SECONDS, _now, services)
    if services.alertmanager and services.alertmanager.wants_key:
        visitor.ask_for_key("ingest")
    if not services.alertmanager:
        st.caption(
            "With an Alertmanager, alerts reach people, and can be acknowledged and snoozed here: "
            "set `PILOTHOUSE_ALERTMANAGER_URL`."
        )
    if services.alertmanager:
        messages.show(services, services.alertmanager)
    _inbox(services)
    if services.prometheus:
        with section("The rules"):
            _rules(services.prometheus.alert_rules())


def _now(services: Services) -> None:
    """What fires or is about to, as Alertmanager, Prometheus, the inbox and the drift service know it."""
    snoozing.open_at_once()
    alertmanager, prometheus = services.alertmanager, services.prometheus
    held = in_background(_held, alertmanager) if alertmanager else _nothing_held
    rules = in_background(prometheus.alert_rules) if prometheus else list
    firing = in_background(services.collector.alerts, "firing", _ROWS)
    verdicts = in_background(_verdicts, services)
    told: dict[str, list[AlertNotice]] = {}
    silences: list[Silence] = []
    judges: list[AlertRule] = []
    with section("What Alertmanager holds"):
        alerts, silences = held()
        told["Alertmanager"] = alert_list.of_alertmanager(alerts, silences)
    with section("What Prometheus says"):
        judges = rules()
        told["Prometheus"] = alert_list.of_prometheus(judges)
    with section("The inbox"):
        told["inbox"] = alert_list.doubted(alert_list.of_inbox(firing().alerts), judges)
    with section("What the drift service says"):
        told["drift"] = alert_list.of_drift(verdicts())
    current = alert_list.merged(*told.values(), silences=silences)
    if len(told) == _SENDERS and all(n.state in cards.QUIET for n in current):
        st.success("Nothing fires.", icon=":material/check_circle:")
    cards.show(current, alertmanager if "Alertmanager" in told else None)
    if alertmanager:
        shown = {silence.id for notice in current for silence in notice.silences}
        snoozing.show_idle([s for s in silences if s.id not in shown], alertmanager)


def _held(alertmanager: AlertmanagerClient) -> tuple[list[HeldAlert], list[Silence]]:
    return alertmanager.alerts(), alertmanager.silences()


def _nothing_held() -> tuple[list[HeldAlert], list[Silence]]:
    return [], []


def _verdicts(services: Services) -> list[DriftAnswer]:
    """What the drift service last said of every model that answers."""
    models = services.collector.models()
    asked = [in_background(services.drift.verdict, model.name, model.version) for model in models]
    return [answer for ask in asked if (answer := ask())]


def _inbox(services: Services) -> None:
    st.subheader("Inbox", anchor=False)
    chosen = address.choose_one("Show", "alerts", _SHOWN, "all")
    redrawn(_EVERY_SECONDS, _draw_inbox, services, None if chosen == "all" else chosen)


def _draw_inbox(services: Services, status: str | None) -> None:
    with section("The list of alerts"):
        inbox = services.collector.alerts(status, _ROWS)
        if not inbox.alerts:
            st.caption("No alert has come in. Alertmanager sends them to the collector: `POST /v1/alerts`.")
            return
        found = cards.table(alert_list.of_inbox(inbox.alerts))
        st.dataframe(found, hide_index=True, alt="Alerts", column_config=cards.table_config())
        if inbox.next:
            st.caption(f"The newest {_ROWS}.")


def _rules(rules: Sequence[AlertRule]) -> None:
    """Every alert rule, whether or not it fires."""
    firing = sum(r.state == "firing" for r in rules)
    with st.expander(f"{len(rules)} rules in Prometheus, {firing} of them firing"):
        rows = [(r.state, r.name, r.annotations.get("summary", ""), r.health, r.last_error) for r in rules]
        table = pd.DataFrame(rows, columns=["State", "Rule", "Meaning", "Health", "Error"])
        st.dataframe(table, hide_index=True, alt="Alert rules")
