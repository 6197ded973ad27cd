"""Ends what the stack started when the stack itself is gone, however it went.

A process of its own, because `kill -9` and the out-of-memory killer give the stack no chance to clean up, and because
a service may have workers that the kernel would not end with it. It reads process groups from its standard input
(`+PGID` started, `-PGID` ended); that input ends when the stack does. Standard library only: it takes 11 MB.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Literal, Self


class Reaper:
    """Starts this file as a process, and tells it which process groups to end if the stack dies."""

    def __init__(self, grace_seconds: float) -> None:
        command = [sys.executable, "-I", __file__, str(grace_seconds)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def tell(self, change: Literal["+", "-"], group: int) -> None:
        """A process group has started or ended."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it was killed: the stack goes on without its safety net
            self._process.stdin.write(f"{change}{group}\n".encode())
            self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()


def unended(lines: Iterable[str]) -> set[int]:
    """The process groups that are left when the input ends."""
    groups: set[int] = set()
    for line in lines:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    return groups


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group. False when there is no such group any more."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # the latter is how macOS says that only a zombie is left
        return False
    return True


def end(groups: set[int], grace_seconds: float) -> None:
    """Ask every group to stop, and kill those that have not after `grace_seconds`."""
    left = {g for g in groups if signal_group(g, signal.SIGTERM)}
    deadline = time.monotonic() + grace_seconds
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = {g for g in left if signal_group(g, 0)}
    for group in left:
        signal_group(group, signal.SIGKILL)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end(unended(sys.stdin), grace_seconds=float(sys.argv[1]))


if __name__ == "__main__":
    main()
