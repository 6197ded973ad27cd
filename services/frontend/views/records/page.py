"""Records: what is stored of a model, filtered, page by page; one record in full, and its label."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from pilothouse.wire.records import RecordPage
from services.frontend import sentences
from services.frontend.clients.services import Services, in_background, open_services
from services.frontend.views import address, record_table, sections, visitor
from services.frontend.views.model_choice import ChosenModel, choose_model
from services.frontend.views.records import filter_bar, filters, record
from services.frontend.views.sections import section

_ROWS = 100
_PAGES = 10  # of a filtered search that are asked for in a row before the visitor is asked
_MOST_EXPORTED = 100_000


def show() -> None:
    services = open_services()
    stats = in_background(services.collector.stats)
    chosen = choose_model(services, "Records")
    if chosen is None:
        return
    with section("The log"):
        found = [s for s in stats() if (s.model, s.version) == (chosen.name, chosen.version)]
        if not found or not found[0].records:
            advice = "Send a prediction on the page **Predict**, or replay real data through the stack:"
            sections.empty("Nothing logged yet", advice, "make demo")
            return
        st.markdown(sentences.held(found[0], datetime.now(UTC)))
        _browse(services, chosen, filter_bar.show(chosen.manifest))
    record.show(services, chosen)


def _browse(services: Services, chosen: ChosenModel, wanted: filters.RecordFilters) -> None:
    """One page of the log. The cursors that led here are kept, so that one can go back."""
    key = f"{chosen.manifest.key}:{wanted}"
    trail: list[str] = st.session_state.setdefault(f"trail:{key}", [])
    parameters = filters.parameters(wanted, chosen.manifest, datetime.now(UTC))
    page = _page(services, chosen, parameters, trail[-1] if trail else None)
    frame = record_table.frame(page, chosen.manifest, visitor.zone())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Newest", icon=":material/first_page:", on_click=trail.clear, disabled=not trail)
        st.button("Newer", icon=":material/chevron_left:", on_click=_back, args=(trail,), disabled=not trail)
        label = "Older" if len(frame) or not page.next else "Search on"
        older = {"on_click": trail.append, "args": (page.next,), "disabled": page.next is None}
        st.button(label, icon=":material/chevron_right:", icon_position="right", key="older", **older)
        st.space("stretch")
        _export(services, chosen, parameters)
    if frame.empty:
        _nothing(page)
        return
    position = f"{key}:{len(trail)}"
    selected = record_table.show(frame, chosen.manifest, key=f"records:{position}", selectable=True)
    count = "1 record" if len(frame) == 1 else f"{len(frame)} records, newest first"
    st.caption(f"{count}. Times in {visitor.zone()}. Select a row to open it.")
    _follow(frame, selected, position)


def _page(services: Services, chosen: ChosenModel, parameters: Mapping[str, str], cursor: str | None) -> RecordPage:
    """A page with something on it: behind a filter that finds little the next ones are asked for, up to a bound."""
    for _ in range(_PAGES):
        page = services.collector.records(chosen.name, chosen.version, _ROWS, cursor, parameters)
        if page.records or page.next is None:
            break
        cursor = page.next
    return page


def _export(services: Services, chosen: ChosenModel, parameters: Mapping[str, str]) -> None:
    """The selection as a file: a button for each format. It is read from the collector when a button is pressed."""
    with st.popover("Export", icon=":material/download:"):
        st.caption(f"The whole selection with its labels, newest first; {_MOST_EXPORTED:,} records at most.")
        name, version = chosen.name, chosen.version
        for kind, label, mime in (("csv", "CSV", "text/csv"), ("parquet", "Parquet", "application/octet-stream")):
            st.download_button(
                label, lambda kind=kind: services.collector.export(name, version, kind, _MOST_EXPORTED, parameters),
                f"{name}-{version}.{kind}", mime, key=f"export-{kind}", on_click="ignore",
            )  # fmt: skip
        st.caption("More than that: `GET /v1/records?format=parquet` of the collector, which streams.")


def _nothing(page: RecordPage) -> None:
    if page.next is None:
        st.info("No record is like this.", icon=":material/search_off:")
    else:
        advice = "None was found among the newest ones that were searched. Press **Search on** to look further back."
        st.info(advice, icon=":material/search:")


def _follow(frame: pd.DataFrame, selected: int | None, position: str) -> None:
    """Open the row that was just selected; close it when it is selected no more."""
    before, key = st.session_state.get("selected-row"), (position, selected)
    if before == key:
        return
    st.session_state["selected-row"] = key
    if selected is not None:
        address.remember("record", str(frame.iloc[selected]["id"]))
    elif before and before[0] == position and before[1] is not None:
        address.remember("record", None)


def _back(trail: list[str]) -> None:
    trail.pop()
