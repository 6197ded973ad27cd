"""What fires now, drawn: a card for each alarm with what can be done about it, and what needs nobody, folded away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from services.frontend.clients.alertmanager import AlertmanagerClient
from services.frontend.formatting import ago, plain, tag, when
from services.frontend.runbooks import runbook_at
from services.frontend.views import visitor
from services.frontend.views.alerts import alert_list, snoozing
from services.frontend.views.alerts.alert_list import AlertNotice

_CARDS = 25
_COLOURS = {"firing": "red", "pending": "orange", "acknowledged": "blue", "snoozed": "violet", "resolved": "green"}
QUIET = ("consequence", "perhaps over")


def show(notices: Sequence[AlertNotice], alertmanager: AlertmanagerClient | None) -> None:
    """`alertmanager` is None where nothing can be done about an alert."""
    alarms = [n for n in notices if n.state not in QUIET]
    for some in ([n for n in alarms if not n.silences], [n for n in alarms if n.silences]):
        for notice in some[:_CARDS]:
            _card(notice, alertmanager)
        if len(some) > _CARDS:
            st.caption(f"{len(some) - _CARDS} more:")
            st.dataframe(table(some[_CARDS:]), hide_index=True, alt="More alerts", column_config=table_config())
    quiet = [n for n in notices if n.state in QUIET]
    if quiet:
        with st.expander(_folded(quiet)):
            st.dataframe(_reasons(quiet), hide_index=True, alt="Alerts that send no message")


def table(found: Sequence[AlertNotice]) -> pd.DataFrame:
    """Alerts as rows."""
    zone = visitor.zone()
    rows = [
        (n.state, n.name, n.model, n.summary, n.severity, n.since and n.since.astimezone(zone),
         n.until and n.until.astimezone(zone), alert_list.followed(n.runbook))
        for n in found
    ]  # fmt: skip
    columns = ["State", "Alert", "Model", "Summary", "Severity", "Began", "Ended", "Runbook"]
    return pd.DataFrame(rows, columns=columns)


def table_config() -> dict[str, object]:
    """How its columns are drawn."""
    times = {name: st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss") for name in ("Began", "Ended")}
    return {"Runbook": st.column_config.LinkColumn(display_text="open"), **times}


def _card(notice: AlertNotice, alertmanager: AlertmanagerClient | None) -> None:
    with st.container(border=True, gap="xsmall", key=f"alert-{notice.key}"):
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
        if alertmanager:
            snoozing.show_silences(notice.silences, alertmanager, notice.key)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(f"{_since(notice)}from {notice.source}"), width="content")
            _runbook(notice.runbook)
            if alertmanager and notice.labels:
                snoozing.buttons(notice)


def _sentence(notice: AlertNotice) -> str:
    """The summary as a sentence; one that begins with the model's name keeps it as it is."""
    said, name = notice.summary, notice.model.partition(" ")[0]
    return said if name and said.startswith(name) else said[:1].upper() + said[1:]


def _runbook(address: str | None) -> None:
    """A link where a browser may follow it; the section itself where it is one of our own."""
    icon = ":material/menu_book:"
    ours = runbook_at(address) if address else None
    if ours:
        with st.popover("Runbook", icon=icon, type="tertiary", width="content"):
            st.markdown(ours.text)
    elif address and alert_list.followed(address):
        st.link_button("Runbook", address, icon=icon, type="tertiary")


def _since(notice: AlertNotice) -> str:
    if notice.since is None:
        return ""
    return f"since {when(notice.since, visitor.zone())}, {ago(notice.since, datetime.now(UTC))}, "


def _folded(quiet: Sequence[AlertNotice]) -> str:
    causes = sorted({n.cause for n in quiet if n.cause})
    consequences, over = (sum(n.state == state for n in quiet) for state in QUIET)
    said = []
    if consequences:
        said.append(f"{consequences} silent, as a consequence of {plain(', '.join(causes)) or 'another alert'}")
    if over:
        said.append(f"{over} perhaps over: only the inbox has them, which is not told of what ends while snoozed")
    return ". ".join(said)


def _reasons(quiet: Sequence[AlertNotice]) -> pd.DataFrame:
    rows = [(n.state, n.name, n.model, n.summary, n.cause) for n in quiet]
    return pd.DataFrame(rows, columns=["State", "Alert", "Model", "Summary", "Because of"])
