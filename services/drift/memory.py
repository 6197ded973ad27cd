"""What the allocators are told, so that the process idles small: loading and calibrating take tens of megabytes for a
second, and glibc and Arrow would keep them for the next time, which is the next model version."""

from __future__ import annotations

import ctypes
import sys

ARROW_POOL = ("ARROW_DEFAULT_MEMORY_POOL", "system")  # read when Arrow is first imported
_M_ARENA_MAX = -8


def use_one_arena() -> None:
    """Freed memory of any thread is then in one place. Elsewhere than on glibc, nothing happens."""
    _glibc("mallopt", _M_ARENA_MAX, 1)


def give_back() -> None:
    """Return freed memory to the system."""
    _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
