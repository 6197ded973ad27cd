"""How unusual one input is, drawn: a sentence, and every value among those of the training data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from services.frontend import notices, reader, sources, unusual
from services.frontend.api import Services
from services.frontend.charts import spread
from services.frontend.choice import Chosen
from services.frontend.text import plain, title

_ICONS = {"far": ":material/warning:", "rare": ":material/info:", "usual": ":material/check_circle:"}
_COLOURS = {"far": "red", "rare": "orange", "usual": "green"}


def show(services: Services, chosen: Chosen, values: Mapping[str, Any], *, opened: bool = False) -> None:
    """`values` are the inputs by column. What the training data look like comes from the drift service."""
    with notices.part("How unusual this input is"):
        shapes = sources.distributions(services, chosen.name, chosen.version, list(values), None)
        found = unusual.places(values, [c for c in shapes.columns if c.name in values])
        if not found:
            return
        worst = found[0].level
        st.markdown(f":{_COLOURS[worst]}[{_ICONS[worst]}] {plain(unusual.summary(found))}")
        with st.expander("Every input among the training data", expanded=opened):
            if any(p.position is not None for p in found):
                st.caption("Bar: the middle half of the training data. Red: outside of 99.8% of them.")
                st.altair_chart(spread.strip(found, reader.dark()), alt=unusual.summary(found))
            st.dataframe(_table(found), hide_index=True, alt="Every input among the training data")


def _table(found: list[unusual.Place]) -> pd.DataFrame:
    rows = [(title(p.column), p.value, p.sentence) for p in found]
    return pd.DataFrame(rows, columns=["Input", "Value", "Lies"])
