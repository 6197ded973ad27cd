"""Answers that are kept for some seconds, in Streamlit's cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import streamlit as st

P = ParamSpec("P")
R = TypeVar("R")


def cached(seconds: float, entries: int = 100) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the answers of a client's method for all visitors, by the service's address and the arguments.

    Exceptions are not kept, so that a retry really asks again.
    """

    def keep(method: Callable[P, R]) -> Callable[P, R]:
        client = f"{method.__module__}.{method.__qualname__.rpartition('.')[0]}"
        by_address = {client: lambda self: self.connection.url}
        cache = st.cache_data(ttl=seconds, max_entries=entries, show_spinner=False, hash_funcs=by_address)
        return cast(Callable[P, R], cache(method))

    return keep


def forget() -> None:
    """Ask everything anew: something was changed."""
    st.cache_data.clear()
