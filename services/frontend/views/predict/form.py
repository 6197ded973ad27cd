"""The form of a tabular model and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import streamlit as st

from pilothouse.errors import Fault
from pilothouse.manifest import Manifest, TabularInput
from pilothouse.wire.predictions import Prediction
from services.frontend.clients.services import Services
from services.frontend.errors import ServiceError, ServiceRefused
from services.frontend.formatting import plain
from services.frontend.views import outlier_card, prediction_card, sections
from services.frontend.views.model_choice import ChosenModel
from services.frontend.views.predict import fields
from services.frontend.views.predict.fields import FormField

_FIRST_DAY, _LAST_DAY = date(1800, 1, 1), date(2199, 12, 31)


def show(services: Services, chosen: ChosenModel, spec: TabularInput) -> None:
    """Form on the left, outcome on the right; one below the other on a narrow screen."""
    manifest = chosen.manifest
    drawn = fields.fields(spec, manifest.examples)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _offer_examples(drawn, manifest)
        submitted, slots = _draw(drawn, manifest)
    if submitted:
        with right, st.spinner("Predicting"):
            sent = fields.instance(drawn, {field.name: st.session_state.get(_key(manifest, field)) for field in drawn})
            st.session_state[_outcome_key(manifest)] = (sent, _ask(services, sent, manifest))
    with right:
        sent, outcome = st.session_state.get(_outcome_key(manifest), ({}, None))
        _tell(outcome, drawn, slots, manifest)
        if isinstance(outcome, Prediction):
            outlier_card.show(services, chosen, sent)


def _offer_examples(drawn: Sequence[FormField], manifest: Manifest) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="examples"):
        if manifest.examples:
            st.caption("Examples to load", width="content")
        for position, example in enumerate(manifest.examples, 1):
            arguments = (drawn, manifest, example)
            st.button(f"{position}", key=f"example-{position}", on_click=_fill, args=arguments)
        st.button("Clear", key="clear", type="tertiary", on_click=_fill, args=(drawn, manifest, {}))


def _fill(drawn: Sequence[FormField], manifest: Manifest, example: Mapping[str, Any]) -> None:
    for field in drawn:
        st.session_state[_key(manifest, field)] = fields.widget_value(field, example.get(field.name))
    st.session_state.pop(_outcome_key(manifest), None)


def _draw(drawn: Sequence[FormField], manifest: Manifest) -> tuple[bool, dict[str, Any]]:
    """The form, filled with the first example on the first visit; whether it was sent, and a place for each fault."""
    first = manifest.examples[0] if manifest.examples else {}
    slots = {}
    with st.form(f"form-{manifest.key}"):
        with st.grid(min_column_width=190, gap="small"):
            for field in drawn:
                with st.container(gap="xsmall"):
                    st.session_state.setdefault(
                        _key(manifest, field), fields.widget_value(field, first.get(field.name))
                    )
                    _widget(field, _key(manifest, field))
                    slots[field.name] = st.empty()
        submitted = st.form_submit_button("Predict", type="primary", icon=":material/bolt:")
    return bool(submitted), slots


def _widget(field: FormField, key: str) -> None:
    common: dict[str, Any] = {"key": key, "help": field.help, "persist_state": "session"}
    match field.kind:
        case "number":
            st.number_input(
                field.label, value=None, step=field.step, format="%g", placeholder=field.placeholder, **common
            )
        case "integer":
            st.number_input(field.label, value=None, step=1, placeholder=field.placeholder, **common)
        case "boolean":
            st.segmented_control(field.label, field.options, **common)
        case "choice":
            st.selectbox(field.label, field.options, index=None, placeholder=field.placeholder, **common)
        case "date":
            st.date_input(
                field.label, value=None, min_value=_FIRST_DAY, max_value=_LAST_DAY, format="YYYY-MM-DD", **common
            )
        case "moment":
            bounds = {"min_value": datetime(1800, 1, 1), "max_value": datetime(2199, 12, 31)}
            st.datetime_input(field.label, value=None, format="YYYY-MM-DD", step=60, **bounds, **common)


def _ask(services: Services, sent: Mapping[str, Any], manifest: Manifest) -> Prediction | ServiceError:
    """A prediction, or the error that came instead of it."""
    try:
        return services.inference.predict(manifest.name, manifest.version, sent)
    except ServiceError as error:
        return error


def _tell(outcome: Any, drawn: Sequence[FormField], slots: Mapping[str, Any], manifest: Manifest) -> None:
    if outcome is None:
        sections.empty("No prediction yet", "Fill in the form, or load an example, and press **Predict**.")
    elif isinstance(outcome, ServiceRefused) and outcome.faults:
        _mark(outcome.faults, drawn, slots)
    elif isinstance(outcome, ServiceError):
        sections.absent("The prediction", outcome)
    else:
        prediction_card.show(outcome, manifest)


def _mark(faults: Sequence[Fault], drawn: Sequence[FormField], slots: Mapping[str, Any]) -> None:
    """Each fault at its field, and a count where the prediction would stand."""
    at, of_none = fields.by_field(faults, [field.name for field in drawn])
    for name, messages in at.items():
        slots[name].markdown(f":red[:small[{plain('; '.join(messages))}]]")
    count = len(at)
    lines = [f"{count} field{'s need' if count != 1 else ' needs'} another value, see the form."] if count else []
    lines += [plain(message) for message in of_none]
    st.error("\n\n".join(lines), icon=":material/edit:")


def _key(manifest: Manifest, field: FormField) -> str:
    return f"field:{manifest.key}:{field.name}"


def _outcome_key(manifest: Manifest) -> str:
    return f"outcome:{manifest.key}"
