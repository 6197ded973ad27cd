"""Every column: how far it moved in multiples of its threshold, and its values beside those of the training data."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from pilothouse.wire.distributions import Distribution, Distributions
from pilothouse.wire.drift import ColumnDrift, DriftAnswer, JointDrift
from services.frontend import sentences
from services.frontend.charts import drift as charts
from services.frontend.formatting import DASH, SQUARE, TIMES, number, plain, title
from services.frontend.views import visitor
from services.frontend.views.sections import section

_SHOWN = 6


def show(answer: DriftAnswer, ask: Callable[[], Distributions]) -> None:
    """`ask` gives the distributions, or raises a ServiceError."""
    if any(c.score is not None for c in answer.columns):
        st.subheader("How far each column moved", anchor=False)
        st.caption("Distance from the training reference, in multiples of the column's threshold (dashed line).")
        st.altair_chart(charts.scores(answer.columns, visitor.dark()), alt=sentences.drift_headline(answer).sentence)
        with st.expander("Scores and methods"):
            st.dataframe(_score_table(answer), hide_index=True, alt="Drift scores by column")
    with st.container(gap="xsmall"):
        for column in answer.columns:
            if column.message:
                st.caption(f":material/info: {plain(title(column.name))}: {plain(column.message)}")
    with section("The distributions"):
        _distributions(answer, {c.name: c for c in ask().columns})


def _distributions(answer: DriftAnswer, found: dict[str, Distribution]) -> None:
    """Side by side, the furthest first; the rest behind a fold."""
    ordered = [c for c in sorted(answer.columns, key=lambda c: c.excess, reverse=True) if c.name in found]
    if not ordered:
        return
    st.subheader("Distributions", anchor=False)
    st.caption(f":primary[{SQUARE}] {charts.CURRENT}, :gray[{SQUARE}] {charts.REFERENCE} data")
    _grid(ordered[:_SHOWN], found)
    if ordered[_SHOWN:]:
        with st.expander(f"{len(ordered) - _SHOWN} more"):
            _grid(ordered[_SHOWN:], found)


def _grid(columns: list[ColumnDrift], found: dict[str, Distribution]) -> None:
    with st.grid(min_column_width=250, gap="small"):
        for column in columns:
            with st.container(border=True, gap="xsmall", key=f"distribution-{column.name}"):
                mark = ":red[drifted]" if column.drifted else ""
                score = f"{column.excess:.1f}{TIMES} {mark}" if column.score is not None else ""
                st.markdown(f"**{plain(title(column.name))}** :small[{score}]")
                alt = f"{column.name}: {charts.CURRENT} beside {charts.REFERENCE} data"
                st.altair_chart(charts.distribution(found[column.name], visitor.dark()), alt=alt)


def _score_table(answer: DriftAnswer) -> pd.DataFrame:
    ordered = sorted(answer.columns, key=lambda c: c.excess, reverse=True)
    scored: list[ColumnDrift | JointDrift] = [*ordered, *answer.joint]
    rows = [
        {
            "Column": c.name,
            "Drifted": "yes" if c.drifted else "no" if c.drifted is not None else DASH,
            "Score": DASH if c.score is None else number(c.score),
            "Threshold": DASH if c.threshold is None else number(c.threshold),
            "Method": c.stattest or DASH,
            "Note": c.message or "",
        }
        for c in scored
    ]
    return pd.DataFrame(rows)
