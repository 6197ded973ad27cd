"""Streamlit's caches with their types kept: answers remembered for some seconds, connections for the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, cast

import streamlit as st

P = ParamSpec("P")
R = TypeVar("R")
Keys = Mapping[Any, Callable[[Any], Any]]


def remembered(seconds: float, keys: Keys, entries: int = 100) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep a function's answers by its arguments; `keys` say what an argument of a type is known by. Exceptions are
    not kept, so that a retry really asks again."""

    def keep(function: Callable[P, R]) -> Callable[P, R]:
        cache = st.cache_data(ttl=seconds, max_entries=entries, show_spinner=False, hash_funcs=dict(keys))
        return cast(Callable[P, R], cache(function))

    return keep


def kept(keys: Keys, release: Callable[[R], None], entries: int = 20) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep what a function made, by its arguments, for all sessions; `release` ends what is no longer kept."""

    def keep(function: Callable[P, R]) -> Callable[P, R]:
        cache = st.cache_resource(max_entries=entries, show_spinner=False, hash_funcs=dict(keys), on_release=release)
        return cast(Callable[P, R], cache(function))

    return keep
