"""Links from one page to another."""

from __future__ import annotations

import streamlit as st


def link(path: str, label: str) -> None:
    """A link to the page at `path`; the chosen model goes along. Nothing when a page stands alone, as in a test."""
    page = st.session_state.get("pages", {}).get(path)
    if page is not None:
        model = st.query_params.get("model")
        st.page_link(
            page, label=label, icon=":material/arrow_forward:", query_params={"model": model} if model else None
        )
