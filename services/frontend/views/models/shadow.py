"""A shadow version beside the one that answers, over the newest requests that both saw."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from pilothouse.manifest import Manifest
from services.frontend import notices, shadowing, sources
from services.frontend.answers import ModelEntry, Records
from services.frontend.api import Services
from services.frontend.choice import Chosen
from services.frontend.shadowing import Comparison
from services.frontend.table import time_of
from services.frontend.text import DASH, number, percent, plain, pretty_unit

_ROWS = 2000
_MARGIN = timedelta(seconds=30)  # a shadow answers after the one it shadows


def show(services: Services, chosen: Chosen, versions: list[ModelEntry]) -> None:
    active = next((v.version for v in versions if v.state == "active"), None)
    shadows = [v.version for v in versions if v.state == "shadow"]
    if active is None:
        return
    for version in shadows:
        with notices.part(f"The shadow {version}"):
            st.subheader(plain(f"Version {version} in the shadow of version {active}"), anchor=False)
            _draw(compare(services, chosen, active, version), chosen.manifest, active, version)


def compare(services: Services, chosen: Chosen, active: str, shadow: str) -> Comparison:
    """Over the newest records of the shadow, and those of the active version around the same time."""
    inputs = _common_inputs(services, chosen.name, active, shadow)
    columns = ",".join((*shadowing.COLUMNS, *inputs))
    theirs = services.collector.newest(chosen.name, shadow, _ROWS, columns)
    ours = Records(columns=[], records=[])
    if theirs.records:
        first, last = (time_of(str(theirs.records[end]["id"])) for end in (0, -1))
        window = {"from": (first - _MARGIN).isoformat(), "to": (last + _MARGIN).isoformat()}
        ours = services.collector.newest(chosen.name, active, 5 * _ROWS, columns, **window)
    pairs = shadowing.pair(ours.records, theirs.records, inputs)
    return shadowing.compare(pairs, regression=chosen.manifest.task == "regression")


def _common_inputs(services: Services, name: str, active: str, shadow: str) -> list[str]:
    """What both versions log of a request."""
    first, second = (sources.served_manifest(services, name, v).input_columns for v in (active, shadow))
    return [column for column in first if column in second]


def _draw(found: Comparison, manifest: Manifest, active: str, shadow: str) -> None:
    if found.pairs.empty:
        st.caption(
            "No request was seen by both yet. Predictions that name a version, as this page's do, are not shadowed."
        )
        return
    unit = f" {pretty_unit(manifest.output.unit)}" if manifest.output.unit else ""
    with st.grid(min_column_width=165, gap="small"):
        st.metric("Predicted by both", f"{len(found.pairs):,}", border=True)
        if found.agreement is not None:
            st.metric("Same answer", percent(found.agreement), border=True)
        if found.distance is not None and found.difference is not None:
            st.metric("Apart, on average", number(found.distance) + unit, border=True)
            st.metric("Shadow minus active", number(found.difference) + unit, border=True)
        name = "Error" if manifest.task == "regression" else "Right"
        st.metric(plain(f"{name}, version {active}"), _good(found.active_good, manifest), border=True)
        st.metric(plain(f"{name}, version {shadow}"), _good(found.shadow_good, manifest), border=True)
    st.caption(f"{found.labelled:,} of these have a label; they say who is right.")
    if manifest.task != "regression":
        counted = shadowing.disagreements(found.pairs)
        if not counted.empty:
            st.dataframe(
                counted.set_axis([f"Version {active}", f"Version {shadow}", "Times"], axis=1),
                hide_index=True, alt="Disagreements",
            )  # fmt: skip


def _good(value: float | None, manifest: Manifest) -> str:
    if value is None:
        return DASH
    return number(value) if manifest.task == "regression" else percent(value)
