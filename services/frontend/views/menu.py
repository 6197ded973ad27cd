"""Links from one page to another."""

from __future__ import annotations

import streamlit as st


def link(path: str, label: str, **query: str) -> None:
    """A link to the page at `path`; the chosen model goes along, and `query`. Nothing when a page stands alone, as in a
    test."""
    page = st.session_state.get("pages", {}).get(path)
    if page is not None:
        chosen = {name: st.query_params[name] for name in ("model", "version") if name in st.query_params}
        st.page_link(page, label=label, icon=":material/arrow_forward:", query_params={**chosen, **query} or None)
