"""The filters of the Records page, drawn. What is chosen stands in the address."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from pilothouse.manifest import Manifest
from services.frontend import filters, links, reader
from services.frontend.filters import Filters
from services.frontend.text import moment, plain, title

_ANY = ""


def show(manifest: Manifest) -> Filters:
    """The filters as chosen."""
    chosen = filters.from_address(dict(st.query_params), manifest)
    with st.container(horizontal=True, vertical_alignment="top", key="filters"):
        span = st.segmented_control(
            "Time", list(filters.SPANS), format_func=filters.SPANS.get, default=chosen.span, required=True,
            key="filter-span",
        )  # fmt: skip
        label = st.segmented_control(
            "Ground truth", list(filters.LABELS), format_func=filters.LABELS.get, default=chosen.label, required=True,
            key="filter-label",
        )  # fmt: skip
        values = {"span": span or "all", "label": label or "any"}
        values |= _prediction(chosen, manifest)
    if span == "between":
        values |= _between(chosen)
    found = filters.from_address(values, manifest)
    for name, value in filters.to_address(found).items():
        links.remember(name, value)
    if found.narrowed:
        st.button("Clear the filters", icon=":material/filter_alt_off:", type="tertiary", on_click=_clear)
    return found


def _prediction(chosen: Filters, manifest: Manifest) -> dict[str, str]:
    if manifest.task == "regression":
        unit = plain(title(manifest.output.target))
        with st.container(horizontal=True, width="content", gap="small"):  # the two stay side by side
            low = st.number_input(
                f"{unit} from", value=_float(chosen.low), key="filter-low", width=140, placeholder="any"
            )
            high = st.number_input(
                f"{unit} to", value=_float(chosen.high), key="filter-high", width=140, placeholder="any"
            )
        return {"low": _said(low), "high": _said(high)}
    classes = [_ANY, *(manifest.output.classes or ())]
    start = (int(float(chosen.unsure or 0)), int(float(chosen.sure or 100)))
    with st.container(horizontal=True, width="content", gap="medium"):
        prediction = st.selectbox(
            "Prediction", classes, index=classes.index(chosen.prediction), key="filter-prediction", width=180,
            format_func=lambda option: option or "Any",
        )  # fmt: skip
        unsure, sure = st.slider("Confidence", 0, 100, start, format="%d%%", key="filter-confidence", width=220)
    return {"prediction": prediction or "", "unsure": _said(unsure or None), "sure": "" if sure == 100 else _said(sure)}


def _between(chosen: Filters) -> dict[str, str]:
    """Two moments in the reader's zone."""
    zone = reader.zone()
    now = datetime.now(zone)
    start = (moment(chosen.start) or now - timedelta(hours=1)).astimezone(zone).replace(tzinfo=None)
    end = (moment(chosen.end) or now).astimezone(zone).replace(tzinfo=None)
    with st.container(horizontal=True):
        first = st.datetime_input("From", start, format="YYYY-MM-DD", step=60, key="filter-start", width=220)
        last = st.datetime_input("Until", end, format="YYYY-MM-DD", step=60, key="filter-end", width=220)
    pairs = {"start": first, "end": last}
    return {name: value.replace(tzinfo=zone).isoformat() for name, value in pairs.items() if value}


def _clear() -> None:
    """Every choice undone: the widgets begin anew from the address."""
    for name in filters.to_address(Filters()):
        links.remember(name, None)
    for key in [k for k in st.session_state if str(k).startswith("filter-")]:
        del st.session_state[key]


def _float(text: str) -> float | None:
    return float(text) if text else None


def _said(value: float | int | None) -> str:
    return "" if value is None else f"{value:g}"
