"""A stack started by a test as a person would start it: its output, its processes, its end."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

import psutil


class Stack:
    """The command in a session of its own, its lines collected as they come."""

    def __init__(self, *command: str, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._new: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._new.put(line.rstrip("\n"))
        self._new.put(None)

    def until(self, pattern: str, seconds: float = 30) -> re.Match[str]:
        """The match in the first new line that has `pattern`; fails with all output when it does not come."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._new.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{pattern!r} did not come in {seconds} s:\n{self.output}") from None
            if line is None:
                raise AssertionError(f"the output ended without {pattern!r}:\n{self.output}")
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def tree(self) -> list[psutil.Process]:
        """Every process that the stack started, itself left out."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def interrupt(self) -> None:
        """Ctrl-C: the terminal sends it to the foreground process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self, seconds: float = 30) -> int:
        """The exit status, with the rest of the output collected."""
        status = self.process.wait(seconds)
        while (line := self._new.get(timeout=seconds)) is not None:
            self.lines.append(line)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """After a failed test: stop it, and nothing stays behind."""
        if self.process.poll() is None:
            tree = self.tree()
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            self.process.kill()
            for one in tree:
                if alive(one):
                    one.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def alive(process: psutil.Process) -> bool:
    """A zombie is not alive: some containers have nobody who collects orphans."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def left_after(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those still alive when the time is up."""
    deadline = time.monotonic() + seconds
    while (left := [p for p in processes if alive(p)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
