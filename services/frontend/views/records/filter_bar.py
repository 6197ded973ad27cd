"""The filters of the Records page, drawn. What is chosen stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import streamlit as st

from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from services.frontend.formatting import parse_time, plain, title
from services.frontend.views import address, visitor
from services.frontend.views.records import filters
from services.frontend.views.records.filters import RecordFilters

_ANY = ""
_KEY = "filter-"
_EARLIEST, _LATEST = datetime(2000, 1, 1), datetime(2100, 1, 1)


def show(manifest: Manifest) -> RecordFilters:
    """The filters as chosen. The widgets stand as the address says, so that going back undoes a choice."""
    chosen = filters.from_address(dict(st.query_params), manifest)
    st.session_state.update({_KEY + name: value for name, value in _values(chosen, manifest).items()})
    changed = {"on_change": _changed, "args": (manifest,)}
    with st.container(horizontal=True, vertical_alignment="top", key="filters"):
        st.segmented_control("Time", list(filters.SPANS), format_func=filters.SPANS.get, required=True,
                             key=f"{_KEY}span", **changed)  # fmt: skip
        st.segmented_control("Ground truth", list(filters.LABELS), format_func=filters.LABELS.get, required=True,
                             key=f"{_KEY}label", **changed)  # fmt: skip
        _draw_prediction(manifest, changed)
    if chosen.span == "between":
        with st.container(horizontal=True):
            for name, label in (("start", "From"), ("end", "Until")):
                st.datetime_input(label, min_value=_EARLIEST, max_value=_LATEST, format="YYYY-MM-DD", step=60,
                                  key=_KEY + name, width=220, **changed)  # fmt: skip
    if chosen.narrowed:
        st.button("Clear the filters", icon=":material/filter_alt_off:", type="tertiary", on_click=_write,
                  args=(RecordFilters(),))  # fmt: skip
    return chosen


def _draw_prediction(manifest: Manifest, changed: Mapping[str, Any]) -> None:
    if task_of(manifest).prediction_filter == "range":
        unit = plain(title(manifest.output.target))
        with st.container(horizontal=True, width="content", gap="small"):  # the two stay side by side
            for name, label in (("low", "from"), ("high", "to")):
                st.number_input(f"{unit} {label}", value=None, key=_KEY + name, width=140, placeholder="any", **changed)
        return
    with st.container(horizontal=True, width="content", gap="medium"):
        st.selectbox(
            "Prediction", [_ANY, *(manifest.output.classes or ())], key=f"{_KEY}prediction", width=180,
            format_func=lambda option: option or "Any", **changed,
        )  # fmt: skip
        st.slider("Confidence", 0, 100, format="%d%%", key=f"{_KEY}confidence", width=220, **changed)


def _values(chosen: RecordFilters, manifest: Manifest) -> dict[str, Any]:
    """What each widget shows, by its name."""
    values: dict[str, Any] = {"span": chosen.span, "label": chosen.label}
    if task_of(manifest).prediction_filter == "range":
        values |= {"low": _float(chosen.low), "high": _float(chosen.high)}
    else:
        values["prediction"] = chosen.prediction
        values["confidence"] = tuple(sorted((int(float(chosen.unsure or 0)), int(float(chosen.sure or 100)))))
    if chosen.span == "between":
        zone = visitor.zone()
        now = datetime.now(zone)
        values["start"] = _shown(parse_time(chosen.start) or now - timedelta(hours=1), zone)
        values["end"] = _shown(parse_time(chosen.end) or now, zone)
    return values


def _shown(at: datetime, zone: tzinfo) -> datetime:
    """As the reader's clock has it, within what the field takes."""
    within = max(_EARLIEST.replace(tzinfo=UTC), min(at, _LATEST.replace(tzinfo=UTC)))
    return max(_EARLIEST, min(within.astimezone(zone).replace(tzinfo=None), _LATEST))


def _changed(manifest: Manifest) -> None:
    """A widget's new value becomes the address's."""
    state = {str(k).removeprefix(_KEY): v for k, v in st.session_state.items() if str(k).startswith(_KEY)}
    values = {name: str(state.get(name) or "") for name in ("span", "label", "prediction")}
    if task_of(manifest).prediction_filter == "range":
        values |= {name: _said(state.get(name)) for name in ("low", "high")}
    else:
        unsure, sure = state.get("confidence", (0, 100))
        values |= {"unsure": _said(unsure or None), "sure": "" if sure == 100 else _said(sure)}
    if values["span"] == "between":
        now = datetime.now(visitor.zone())
        moments = {"start": state.get("start") or now - timedelta(hours=1), "end": state.get("end") or now}
        values |= {
            name: at.replace(tzinfo=visitor.zone()).isoformat(timespec="minutes") for name, at in moments.items()
        }
    _write(filters.from_address(values, manifest))


def _write(chosen: RecordFilters) -> None:
    for name, value in filters.to_address(chosen).items():
        address.remember(name, value)


def _float(text: str) -> float | None:
    return float(text) if text else None


def _said(value: float | int | None) -> str:
    return "" if value is None else f"{value:g}"
