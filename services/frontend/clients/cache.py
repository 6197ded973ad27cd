"""Answers that are kept for some seconds, for all visitors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import streamlit as st

P = ParamSpec("P")
R = TypeVar("R")
_caches: list[Any] = []


def cached(seconds: float, entries: int = 100) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the answers of a client's method by the service's address and the arguments.

    They are handed out as they are and must not be changed: to copy a long history takes longer than to ask for it.
    Exceptions are not kept, so that a retry really asks again.
    """

    def keep(method: Callable[P, R]) -> Callable[P, R]:
        client = f"{method.__module__}.{method.__qualname__.rpartition('.')[0]}"
        by_address = {client: lambda self: self.connection.url}
        cache = st.cache_resource(ttl=seconds, max_entries=entries, show_spinner=False, hash_funcs=by_address)(method)
        _caches.append(cache)
        return cast(Callable[P, R], cache)

    return keep


def forget() -> None:
    """Ask everything anew: something was changed."""
    for cache in _caches:
        cache.clear()
