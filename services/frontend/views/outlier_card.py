"""How unusual one input is, drawn: a sentence, and every value among those of the training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from services.frontend import outliers
from services.frontend.charts import prediction as charts
from services.frontend.clients.services import Services
from services.frontend.formatting import plain, title
from services.frontend.views import visitor
from services.frontend.views.model_choice import ChosenModel
from services.frontend.views.sections import section

_ICONS = {"far": ":material/warning:", "rare": ":material/info:", "usual": ":material/check_circle:"}
_COLOURS = {"far": "red", "rare": "orange", "usual": "green"}


def show(services: Services, chosen: ChosenModel, values: Mapping[str, Any]) -> None:
    """`values` are the inputs by column. What the training data look like comes from the drift service."""
    with section("How unusual this input is"):
        reference = services.drift.distributions(chosen.name, chosen.version, list(values), None)
        found = outliers.rank_inputs(values, [c for c in reference.columns if c.name in values])
        if not found:
            return
        worst = found[0].level
        st.markdown(f":{_COLOURS[worst]}[{_ICONS[worst]}] {plain(outliers.summary(found))}")
        with st.expander("Every input among the training data"):
            if any(rank.position is not None for rank in found):
                st.caption("Bar: the middle half of the training data. Red: outside of 99.8% of them.")
                st.altair_chart(charts.input_ranks(found, visitor.dark()), alt=outliers.summary(found))
            st.dataframe(_table(found), hide_index=True, alt="Every input among the training data")


def _table(found: Sequence[outliers.InputRank]) -> pd.DataFrame:
    rows = [(title(rank.column), rank.value, rank.sentence) for rank in found]
    return pd.DataFrame(rows, columns=["Input", "Value", "Lies"])
