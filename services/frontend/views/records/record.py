"""One record: what the model was given and what it said, how unusual that was, and what turned out to be true."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from services.frontend import sentences
from services.frontend.clients import cache
from services.frontend.clients.services import Services
from services.frontend.errors import ServiceError
from services.frontend.formatting import DASH, code, in_brackets, number, parse_time, plain, title, when
from services.frontend.sentences import answer
from services.frontend.views import address, outlier_card, prediction_card, record_table, sections, visitor
from services.frontend.views.model_choice import ChosenModel
from services.frontend.views.sections import section

_OUTCOME = "label-outcome"


def show(services: Services, chosen: ChosenModel) -> None:
    """The record that the address names, if it names one."""
    _tell_saved()
    record_id = st.query_params.get("record")
    if not record_id:
        return
    with section("The record"):
        found = services.collector.record(record_id)
        frame = record_table.frame(found, chosen.manifest, visitor.zone()) if found.records else None
        with st.container(border=True, key="record"):
            if frame is None or not _is_of(found.records[0], chosen):
                st.markdown(f"There is no record {code(record_id[:60])} of {plain(chosen.manifest.key)}.")
                st.button("Close", key="close-record", on_click=address.remember, args=("record", None))
                return
            _draw(services, chosen, found.records[0], frame.iloc[0])


def _is_of(record: dict[str, Any], chosen: ChosenModel) -> bool:
    """A record is known by its id alone; that of another model has other columns."""
    return set(chosen.manifest.input_columns) <= set(record)


def _draw(services: Services, chosen: ChosenModel, record: dict[str, Any], row: pd.Series) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        _head(chosen, record, row)
        outlier_card.show(services, chosen, {c: record.get(c) for c in chosen.manifest.input_columns})
        _inputs(chosen, row)
    with right:
        _label(services, chosen, record)


def _head(chosen: ChosenModel, record: dict[str, Any], row: pd.Series) -> None:
    manifest = chosen.manifest
    said = answer(record["prediction"], manifest.output.unit)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.metric(plain(f"Predicted {row[record_table.TIME]:%Y-%m-%d %H:%M:%S}"), said, width="content")
        st.space("stretch")
        st.button("Close", key="close-record", icon=":material/close:", type="tertiary",
                  on_click=address.remember, args=("record", None))  # fmt: skip
    st.code(str(record["id"]), language=None, wrap_lines=True)
    details = [str(record["source"])] if record.get("source") else []
    details += [f"{number(record['latency_ms'])} ms"] if record.get("latency_ms") is not None else []
    if details:
        st.caption(plain(", ".join(details)))
    classes = manifest.output.classes or ()
    chances = {k: record.get(c) for k, c in zip(classes, manifest.probability_columns, strict=False)}
    if chances and all(p is not None for p in chances.values()):
        prediction_card.chart(record["prediction"], {k: float(p or 0) for k, p in chances.items()}, manifest)


def _inputs(chosen: ChosenModel, row: pd.Series) -> None:
    with st.grid(min_column_width=130, gap="small"):
        for column in chosen.manifest.input_columns:
            if column in row:
                with st.container(gap=None):
                    st.caption(plain(record_table.heading(column, chosen.manifest)))
                    st.markdown(plain(_value(row[column])))


def _label(services: Services, chosen: ChosenModel, record: dict[str, Any]) -> None:
    """What is known of the truth, and a form to say it."""
    manifest, record_id = chosen.manifest, str(record["id"])
    st.markdown("**Ground truth**")
    known = record.get("label")
    if known is not None:
        st.metric("Label", answer(known, manifest.output.unit), label_visibility="collapsed")
        if task_of(manifest).has_classes:
            right = known == record["prediction"]
            st.badge("right" if right else "wrong", color="green" if right else "red")
        else:
            st.caption(plain(sentences.missed(record["prediction"] - known)))
    with st.form(f"label-{record_id}", border=False):
        label, key = f"True {_target(manifest)}", f"truth-{record_id}"
        if task_of(manifest).label_input == "choice":
            st.selectbox(label, manifest.output.classes or (), index=None, key=key)
        else:
            st.number_input(label, value=None, key=key)
        st.form_submit_button("Save the label", icon=":material/new_label:", type="primary",
                              on_click=_save, args=(services, record_id, key))  # fmt: skip
    visitor.ask_for_key("ingest")
    _history(services, record_id)


def _target(manifest: Manifest) -> str:
    """What is predicted, with its unit, as the label of a field."""
    name = title(manifest.output.target, manifest.output.unit)
    return plain(f"{name[:1].lower()}{name[1:]}{in_brackets(manifest.output.unit)}")


def _save(services: Services, record_id: str, key: str) -> None:
    """Called before anything is drawn, so that a label is saved, or the failure told, even if the record is gone."""
    label = st.session_state.get(key)
    if label is None:
        st.session_state[_OUTCOME] = "Say what was true."
        return
    try:
        refused = services.collector.label(record_id, label, visitor.own_key())
        st.session_state[_OUTCOME] = plain(refused or "")
    except ServiceError as error:
        st.session_state[_OUTCOME] = sections.explained(error)
    cache.forget()


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
        received = parse_time(given.received_at)
        st.caption(plain(f"{given.label}, {when(received, visitor.zone()) if received else DASH}"))


def _value(value: Any) -> str:
    if pd.isna(value):
        return DASH
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float):
        return answer(value)
    return str(value)
