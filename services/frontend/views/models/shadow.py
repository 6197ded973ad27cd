"""A shadow version beside the one that answers, over the newest requests that both saw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import streamlit as st

from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from pilothouse.wire.predictions import ModelEntry
from pilothouse.wire.records import RecordPage
from services.frontend.clients.services import Services
from services.frontend.formatting import DASH, number, percent, plain, with_unit
from services.frontend.views.model_choice import ChosenModel
from services.frontend.views.models import shadow_pairs
from services.frontend.views.models.shadow_pairs import ShadowComparison
from services.frontend.views.record_table import time_of
from services.frontend.views.sections import section

_ROWS = 2000
_MARGIN = timedelta(seconds=30)  # a shadow answers after the one it shadows


def show(services: Services, chosen: ChosenModel, versions: list[ModelEntry]) -> None:
    active = next((v.version for v in versions if v.state == "active"), None)
    shadows = [v.version for v in versions if v.state == "shadow"]
    if active is None:
        return
    for version in shadows:
        with section(f"The shadow {version}"):
            st.subheader(plain(f"Version {version} in the shadow of version {active}"), anchor=False)
            _draw(compare(services, chosen, active, version), chosen.manifest, active, version)


def compare(services: Services, chosen: ChosenModel, active: str, shadow: str) -> ShadowComparison:
    """Over the newest records of the shadow, and those of the active version around the same time."""
    inputs = _common_inputs(services, chosen.name, active, shadow)
    columns = ",".join((*shadow_pairs.COLUMNS, *inputs))
    theirs = services.collector.newest(chosen.name, shadow, _ROWS, columns)
    ours = RecordPage([], [])
    if theirs.records:
        first, last = (time_of(str(theirs.records[end]["id"])) for end in (0, -1))
        window = {"from": (first - _MARGIN).isoformat(), "to": (last + _MARGIN).isoformat()}
        ours = services.collector.newest(chosen.name, active, 5 * _ROWS, columns, **window)
    pairs = shadow_pairs.pair(ours.records, theirs.records, inputs)
    return shadow_pairs.compare(pairs, has_classes=task_of(chosen.manifest).has_classes)


def _common_inputs(services: Services, name: str, active: str, shadow: str) -> list[str]:
    """What both versions log of a request."""
    first, second = (services.inference.manifest(name, v).input_columns for v in (active, shadow))
    return [column for column in first if column in second]


def _draw(found: ShadowComparison, manifest: Manifest, active: str, shadow: str) -> None:
    if found.pairs.empty:
        st.caption(
            "No request was seen by both yet. Predictions that name a version, as this page's do, are not shadowed."
        )
        return
    has_classes, unit = task_of(manifest).has_classes, manifest.output.unit
    with st.grid(min_column_width=165, gap="small"):
        st.metric("Predicted by both", f"{len(found.pairs):,}", border=True)
        if found.agreement is not None:
            st.metric("Same answer", percent(found.agreement), border=True)
        if found.distance is not None and found.difference is not None:
            st.metric("Apart, on average", with_unit(found.distance, unit), border=True)
            st.metric("Shadow minus active", with_unit(found.difference, unit), border=True)
        name, figure = ("Right", percent) if has_classes else ("Error", number)
        st.metric(plain(f"{name}, version {active}"), _figure(found.active_good, figure), border=True)
        st.metric(plain(f"{name}, version {shadow}"), _figure(found.shadow_good, figure), border=True)
    st.caption(f"{found.labelled:,} of these have a label; they say who is right.")
    if has_classes:
        counted = shadow_pairs.disagreements(found.pairs)
        if not counted.empty:
            st.dataframe(
                counted.set_axis([f"Version {active}", f"Version {shadow}", "Times"], axis=1),
                hide_index=True, alt="Disagreements",
            )  # fmt: skip


def _figure(value: float | None, said: Callable[[float], str]) -> str:
    return DASH if value is None else said(value)
