"""The embeddings of an image model on a plane: the window's images among the training images."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pilothouse.manifest import ImageInput
from services.frontend.charts import drift as charts
from services.frontend.clients.services import Services
from services.frontend.formatting import code
from services.frontend.views import address, visitor
from services.frontend.views.model_choice import ChosenModel
from services.frontend.views.sections import section


def show(services: Services, chosen: ChosenModel, window: str | None) -> None:
    spec = chosen.manifest.input
    if not isinstance(spec, ImageInput) or not spec.embedding_size:
        return
    with section("The embeddings"):
        plane = services.drift.plane(chosen.name, chosen.version, window)
        if plane is None or not plane.current:
            return
        st.subheader("Embeddings", anchor=False)
        st.caption(
            f"What the model sees in {len(plane.current):,} images of this window and in {len(plane.reference):,} of "
            "the training data, on the two widest components of the latter. Where the clouds part, there is drift that "
            "no single column may show. Images are not kept: press near a point of the window for its record."
        )
        alt = "Embeddings of the window among those of the training data"
        _follow(st.altair_chart(charts.plane(plane, visitor.dark()), alt=alt, on_select="rerun", key="embeddings"))


def _follow(selected: Any) -> None:
    """A link to the record of the point that is selected."""
    points = (getattr(selected, "selection", None) or {}).get(charts.POINT) or []
    record = points[0].get("id") if points else None
    if record:
        st.markdown(code(record))
        address.link("records", "Open its record", record=record)
