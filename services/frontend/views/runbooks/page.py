"""Runbooks: what to do about an alert, which messages link to; and the list of them."""

from __future__ import annotations

import streamlit as st

from services.frontend.formatting import plain
from services.frontend.runbooks import Runbook, every_runbook, find_runbook
from services.frontend.views import address


def show() -> None:
    alert = st.query_params.get("alert", "")
    runbook = find_runbook(alert)
    if runbook:
        _one(runbook)
        return
    st.title("Runbooks", anchor=False)
    if alert:
        st.warning(f"There is no runbook of {plain(alert[:100])}.", icon=":material/search_off:")
    st.caption("What each alert means, what to look at, and what to do.")
    for each in every_runbook().values():
        with st.container(gap=None):
            _turn_to(each.alert, each.alert)
            st.caption(each.meaning)


def _one(runbook: Runbook) -> None:
    st.title(runbook.alert, anchor=False)
    st.markdown(runbook.text)
    with st.container(horizontal=True, vertical_alignment="center"):
        address.link("alerts", "What fires now")
        _turn_to(None, "All runbooks")


def _turn_to(alert: str | None, label: str) -> None:
    """A button, because a link from a page to itself would leave the address as it is."""
    st.button(
        f":primary[{label}]", key=f"turn-to-{alert}", type="tertiary", on_click=address.remember, args=("alert", alert)
    )
