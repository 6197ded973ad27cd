"""Ends what the stack started when the stack itself is gone, however it went.

A process of its own, because `kill -9` and the out-of-memory killer give the stack no chance to clean up, and because
a service may have workers that the kernel would not end with it. It reads the process groups to watch from its
standard input (`+PGID`, `-PGID`); the end of that input is the end of the stack, and the kernel sees to it.
Runs as a plain file with the standard library only: it costs a few megabytes and starts at once.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable


def watched(lines: Iterable[str]) -> set[int]:
    """The process groups that are still to be ended when the input ends."""
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def send(group: int, number: int) -> bool:
    """False when there is no such group any more."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # the latter is how macOS says that only a zombie is left
        return False
    return True


def end(groups: set[int], grace_seconds: float) -> None:
    """Ask every group to stop, and kill those that have not after `grace_seconds`."""
    left = {g for g in groups if send(g, signal.SIGTERM)}
    until = time.monotonic() + grace_seconds
    while left and time.monotonic() < until:
        time.sleep(0.1)
        left = {g for g in left if send(g, 0)}
    for group in left:
        send(group, signal.SIGKILL)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end(watched(sys.stdin), grace_seconds=float(sys.argv[1]))


if __name__ == "__main__":
    main()
