"""What is known of the visitor: the time zone, whether the page is dark, a name, and an API key of their own.

The key is for what the page's key may not do: activating a version, labelling. It is kept in the session, on the
server, until the tab is closed, and sent with those calls alone.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from services.frontend.login.middleware import LOGOUT, SESSION_HEADER

_KEPT, _TYPED, _NAME = "own-key", "own-key-typed", "visitor-name"


def zone() -> tzinfo:
    """The visitor's time zone; UTC when the browser does not say, or says one that is not known here."""
    name = st.context.timezone
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def dark() -> bool:
    return bool(st.context.theme.type == "dark")


def offer_logout() -> None:
    """A button in the sidebar, where the visitor has logged in."""
    if SESSION_HEADER in st.context.headers:
        st.sidebar.html(f'<form method="post" action="{LOGOUT}"><button class="logout">Log out</button></form>')


def name() -> str:
    """What the visitor said to be called; empty before that. Kept for this visit."""
    return str(st.session_state.get(_NAME, ""))


def remember_name(said: str) -> None:
    st.session_state[_NAME] = said


def own_key() -> str | None:
    """The key that the visitor gave; None for the page's own."""
    return st.session_state.get(_KEPT) or None


def ask_for_key(scope: str) -> None:
    """A place to give it, folded away. `scope` is what the key needs."""
    with st.expander("Use an API key of yours", icon=":material/key:", expanded=False):
        st.caption(f"Needs the scope `{scope}`. It is kept for this visit only, and never shown again.")
        with st.form(f"own-key-{scope}", border=False, clear_on_submit=True):
            typed = st.text_input("API key", type="password", autocomplete="off", key=f"{_TYPED}-{scope}")
            if st.form_submit_button("Keep for this visit"):
                st.session_state[_KEPT] = typed.strip()
        if own_key():
            st.caption(":material/check: A key is kept.")
            st.button("Forget it", key=f"forget-key-{scope}", on_click=_forget_key)


def _forget_key() -> None:
    st.session_state.pop(_KEPT, None)
