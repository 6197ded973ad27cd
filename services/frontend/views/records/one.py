"""One record: what the model was given and what it said, how unusual that was, and what turned out to be true."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pilothouse.manifest import Manifest
from services.frontend import links, notices, reader, sentences, sources, table
from services.frontend.answers import Prediction
from services.frontend.api import Services
from services.frontend.choice import Chosen
from services.frontend.errors import ServiceError
from services.frontend.sentences import answer
from services.frontend.text import DASH, code, moment, number, plain, pretty_unit, title, when
from services.frontend.views import own_key, result, unusual_card

_OUTCOME = "label-outcome"


def show(services: Services, chosen: Chosen) -> None:
    """The record that the address names, if it names one."""
    _tell_saved()
    record_id = st.query_params.get("record")
    if not record_id:
        return
    with notices.part("The record"):
        found = services.collector.record(record_id)
        frame = table.frame(found, chosen.manifest, reader.zone()) if found.records else None
        with st.container(border=True, key="record"):
            if frame is None or not _is_of(found.records[0], chosen):
                st.markdown(f"There is no record {code(record_id[:60])} of {plain(chosen.manifest.key)}.")
                st.button("Close", key="close-record", on_click=links.remember, args=("record", None))
                return
            _draw(services, chosen, found.records[0], frame.iloc[0])


def _is_of(record: dict[str, Any], chosen: Chosen) -> bool:
    """A record is known by its id alone; that of another model has other columns."""
    return set(chosen.manifest.input_columns) <= set(record)


def _draw(services: Services, chosen: Chosen, record: dict[str, Any], row: pd.Series) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        _head(chosen, record, row)
        unusual_card.show(services, chosen, {c: record.get(c) for c in chosen.manifest.input_columns}, opened=False)
        _inputs(chosen, row)
    with right:
        _label(services, chosen, record)


def _head(chosen: Chosen, record: dict[str, Any], row: pd.Series) -> None:
    manifest = chosen.manifest
    unit = manifest.output.unit
    said = answer(record["prediction"], pretty_unit(unit) if unit else None)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.metric(plain(f"Predicted {row[table.TIME]:%Y-%m-%d %H:%M:%S}"), said, width="content")
        st.space("stretch")
        st.button("Close", key="close-record", icon=":material/close:", type="tertiary",
                  on_click=links.remember, args=("record", None))  # fmt: skip
    st.code(str(record["id"]), language=None, wrap_lines=True)
    details = [str(record["source"])] if record.get("source") else []
    details += [f"{number(record['latency_ms'])} ms"] if record.get("latency_ms") is not None else []
    if details:
        st.caption(plain(", ".join(details)))
    classes = manifest.output.classes or ()
    chances = {k: record.get(c) for k, c in zip(classes, manifest.probability_columns, strict=False)}
    if chances and all(p is not None for p in chances.values()):
        known = Prediction(str(record["id"]), manifest.name, manifest.version, record["prediction"])
        result.chart(known, {k: float(p or 0) for k, p in chances.items()}, manifest)


def _inputs(chosen: Chosen, row: pd.Series) -> None:
    units = table.units(chosen.manifest)
    with st.grid(min_column_width=130, gap="small"):
        for column in chosen.manifest.input_columns:
            if column in row:
                with st.container(gap=None):
                    st.caption(plain(table.heading(column, chosen.manifest)))
                    st.markdown(plain(_value(row[column], units.get(column))))


def _label(services: Services, chosen: Chosen, record: dict[str, Any]) -> None:
    """What is known of the truth, and a form to say it."""
    manifest, record_id = chosen.manifest, str(record["id"])
    st.markdown("**Ground truth**")
    known = record.get("label")
    if known is not None:
        unit = manifest.output.unit
        st.metric("Label", answer(known, pretty_unit(unit) if unit else None), label_visibility="collapsed")
        if manifest.task == "regression":
            st.caption(plain(sentences.missed(record["prediction"] - known)))
        else:
            right = known == record["prediction"]
            st.badge("right" if right else "wrong", color="green" if right else "red")
    with st.form(f"label-{record_id}", border=False):
        classes, key = manifest.output.classes, f"truth-{record_id}"
        if classes:
            st.selectbox(f"True {_target(manifest)}", classes, index=None, key=key)
        else:
            st.number_input(f"True {_target(manifest)}", value=None, key=key)
        st.form_submit_button("Save the label", icon=":material/new_label:", type="primary",
                              on_click=_save, args=(services, record_id, key))  # fmt: skip
    own_key.ask("ingest")
    _history(services, record_id)


def _target(manifest: Manifest) -> str:
    """What is predicted, with its unit, as the label of a field."""
    name = title(manifest.output.target, manifest.output.unit)
    unit = f" ({pretty_unit(manifest.output.unit)})" if manifest.output.unit else ""
    return plain(f"{name[:1].lower()}{name[1:]}{unit}")


def _save(services: Services, record_id: str, key: str) -> None:
    """Before anything is drawn, so that it is tried, and told of, even where the record cannot be shown any more."""
    label = st.session_state.get(key)
    if label is None:
        st.session_state[_OUTCOME] = "Say what was true."
        return
    try:
        refused = services.collector.label(record_id, label, own_key.current())
        st.session_state[_OUTCOME] = plain(refused or "")
    except ServiceError as error:
        st.session_state[_OUTCOME] = notices.explained(error)
    sources.forget()


def _tell_saved() -> None:
    """What came of saving a label, once; Markdown where it was not saved."""
    refused = st.session_state.pop(_OUTCOME, None)
    if refused:
        st.error(f"The label was not saved. {refused}", icon=":material/error:")
    elif refused is not None:
        st.toast("The label is saved.", icon=":material/check:")


def _history(services: Services, record_id: str) -> None:
    labels = services.collector.labels(record_id)
    if len(labels) < 2:
        return
    st.caption(f"{len(labels)} labels were given; the last counts.")
    for given in reversed(labels[-10:]):
        received = moment(given.received_at)
        st.caption(plain(f"{given.label}, {when(received, reader.zone()) if received else DASH}"))


def _value(value: Any, unit: str | None) -> str:
    if pd.isna(value):
        return DASH
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float):
        return answer(value, None)
    return str(value)
