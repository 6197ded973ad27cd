"""The visitor's own API key, for what the page's key may not do: activating a version, labelling.

It is kept in the session, on the server, until the tab is closed, and sent with those calls alone.
"""

from __future__ import annotations

import streamlit as st

_KEPT, _TYPED = "own-key", "own-key-typed"


def current() -> str | None:
    """The key that was given; None for the page's own."""
    return st.session_state.get(_KEPT) or None


def ask(scope: str) -> None:
    """A place to give it, closed unless it was asked for. `scope` is what the key needs."""
    with st.expander("Use an API key of yours", icon=":material/key:", expanded=False):
        st.caption(f"Needs the scope `{scope}`. It is kept for this visit only, and never shown again.")
        with st.form(f"own-key-{scope}", border=False, clear_on_submit=True):
            typed = st.text_input("API key", type="password", autocomplete="off", key=f"{_TYPED}-{scope}")
            if st.form_submit_button("Keep for this visit"):
                st.session_state[_KEPT] = typed.strip()
        if current():
            st.caption(":material/check: A key is kept.")
            st.button("Forget it", key=f"forget-key-{scope}", on_click=_forget)


def _forget() -> None:
    st.session_state.pop(_KEPT, None)
