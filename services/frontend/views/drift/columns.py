"""Every column: how far it moved in multiples of its threshold, and its values beside those of the training data."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from services.frontend import notices, reader, sentences
from services.frontend.answers import ColumnDrift, Drift, JointDrift
from services.frontend.charts import bars, spread
from services.frontend.shapes import Distribution, Distributions
from services.frontend.text import DASH, SQUARE, TIMES, number, plain, title

_SHOWN = 6


def show(answer: Drift, ask: Callable[[], Distributions]) -> None:
    """`ask` gives the distributions, or raises a ServiceError."""
    if any(c.score is not None for c in answer.columns):
        st.subheader("How far each column moved", anchor=False)
        st.caption("Distance from the training reference, in multiples of the column's threshold (dashed line).")
        st.altair_chart(bars.drift_scores(answer.columns, reader.dark()), alt=sentences.verdict(answer).sentence)
        with st.expander("Scores and methods"):
            st.dataframe(_score_table(answer), hide_index=True, alt="Drift scores by column")
    with st.container(gap="xsmall"):
        for column in answer.columns:
            if column.message:
                st.caption(f":material/info: {plain(title(column.name))}: {plain(column.message)}")
    with notices.part("The distributions"):
        _distributions(answer, {c.name: c for c in ask().columns})


def _distributions(answer: Drift, shapes: dict[str, Distribution]) -> None:
    """Side by side, the furthest first; the rest behind a fold."""
    ordered = [c for c in sorted(answer.columns, key=sentences.excess, reverse=True) if c.name in shapes]
    if not ordered:
        return
    st.subheader("Distributions", anchor=False)
    st.caption(f":primary[{SQUARE}] {spread.NOW}, :gray[{SQUARE}] {spread.THEN} data")
    _grid(ordered[:_SHOWN], shapes)
    if ordered[_SHOWN:]:
        with st.expander(f"{len(ordered) - _SHOWN} more"):
            _grid(ordered[_SHOWN:], shapes)


def _grid(columns: list[ColumnDrift], shapes: dict[str, Distribution]) -> None:
    with st.grid(min_column_width=250, gap="small"):
        for column in columns:
            with st.container(border=True, gap="xsmall", key=f"shape-{column.name}"):
                mark = ":red[drifted]" if column.drifted else ""
                score = f"{sentences.excess(column):.1f}{TIMES} {mark}" if column.score is not None else ""
                st.markdown(f"**{plain(title(column.name))}** :small[{score}]")
                alt = f"{column.name}: {spread.NOW} beside {spread.THEN} data"
                st.altair_chart(spread.distribution(shapes[column.name], reader.dark()), alt=alt)


def _score_table(answer: Drift) -> pd.DataFrame:
    ordered = sorted(answer.columns, key=sentences.excess, reverse=True)
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
