"""Records: what is stored of a model, page by page, and one record in full."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from services.frontend import notices, reader, sources, table
from services.frontend.answers import ModelStats
from services.frontend.api import Services
from services.frontend.choice import Chosen, choose_model
from services.frontend.sentences import answer
from services.frontend.text import DASH, ago, moment, plain, pretty_unit
from services.frontend.views import record_table

_ROWS = 100


def show() -> None:
    services = sources.open_services()
    chosen = choose_model(services, "Records")
    if chosen is None:
        return
    with notices.part("The log"):
        found = [s for s in sources.stats(services) if (s.model, s.version) == (chosen.name, chosen.version)]
        if not found or not found[0].records:
            advice = "Send a prediction on the page **Predict**, or replay real data through the stack:"
            notices.empty("Nothing logged yet", advice, "make demo")
            return
        _metrics(found[0])
        _browse(services, chosen)


def _metrics(stats: ModelStats) -> None:
    now = datetime.now(UTC)
    first, last = moment(stats.first), moment(stats.last)
    with st.grid(min_column_width=165, gap="small"):
        st.metric("Records", f"{stats.records:,}", border=True)
        st.metric("Newest", ago(last, now) if last else DASH, border=True)
        st.metric("Oldest", ago(first, now) if first else DASH, border=True)
        st.metric("With a label", f"{stats.labels:,}", border=True)


def _browse(services: Services, chosen: Chosen) -> None:
    """One page of the log. The cursors that led here are kept, so that one can go back."""
    trail: list[str] = st.session_state.setdefault(f"trail:{chosen.manifest.key}", [])
    page = services.collector.records(chosen.name, chosen.version, _ROWS, trail[-1] if trail else None)
    frame = table.frame(page, chosen.manifest, reader.zone())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Newest", icon=":material/first_page:", on_click=trail.clear, disabled=not trail)
        st.button("Newer", icon=":material/chevron_left:", on_click=_back, args=(trail,), disabled=not trail)
        older = {"on_click": trail.append, "args": (page.next,), "disabled": page.next is None}
        st.button("Older", icon=":material/chevron_right:", icon_position="right", **older)
    selected = record_table.show(
        frame, chosen.manifest, key=f"records:{chosen.manifest.key}:{len(trail)}", selectable=True
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{len(frame)} records, newest first. Times in {reader.zone()}. Select a row to open it.", width="content"
        )
        st.space("stretch")
        csv = frame.to_csv(index=False).encode()
        name = f"{chosen.name}-{chosen.version}.csv"
        st.download_button("Download", csv, name, "text/csv", icon=":material/download:", on_click="ignore")
    if selected is not None:
        _open(frame.iloc[selected], chosen)


def _back(trail: list[str]) -> None:
    trail.pop()


def _open(record: pd.Series, chosen: Chosen) -> None:
    """One record: every value with its unit."""
    with st.container(border=True, key="record"):
        unit = chosen.manifest.output.unit
        said = answer(record["prediction"], pretty_unit(unit) if unit else None)
        st.metric(plain(f"Predicted {record[table.TIME]:%Y-%m-%d %H:%M:%S}"), said)
        st.code(str(record["id"]), language=None, wrap_lines=True)
        units = table.units(chosen.manifest)
        with st.grid(min_column_width=130, gap="small"):
            for column in chosen.manifest.input_columns:
                if column in record:
                    with st.container(gap=None):
                        st.caption(plain(table.heading(column, chosen.manifest)))
                        st.markdown(plain(_value(record[column], units.get(column))))


def _value(value: Any, unit: str | None) -> str:
    if pd.isna(value):
        return DASH
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float):
        return answer(value, None)
    return str(value)
