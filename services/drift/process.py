"""What our processes ask of the system: to end with their parent, and to idle small.

Loading and calibrating take tens of megabytes for a second. Glibc and Arrow would keep them for the next time, which is
the next model version.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

ARROW_POOL = ("ARROW_DEFAULT_MEMORY_POOL", "system")  # read when Arrow is first imported
_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8


def die_with_parent() -> None:
    """On Linux the kernel kills this process when its parent ends, however that happens.

    A parent of number 1 is no sign that it has: in a container the service itself is number 1. One that ended before
    this was called has closed our standard input, which ends us too.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("the parent has ended")


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
