"""Servers as processes: started, waited for, asked for their processor time, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil


class Server:
    """A server process and those it starts."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = psutil.Process(process.pid)

    def cpu_seconds(self) -> float:
        """User and system time of all its processes so far."""
        family = [self._process, *self._process.children(recursive=True)]
        return sum(sum(p.cpu_times()[:2]) for p in family)

    def memory_bytes(self) -> int:
        return sum(p.memory_info().rss for p in (self._process, *self._process.children(recursive=True)))

    def pause(self) -> None:
        """Take the processor away from it: some are busy while nobody asks them anything."""
        for process in (self._process, *self._process.children(recursive=True)):
            process.suspend()

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Let it run until the block ends."""
        for process in (*reversed(self._process.children(recursive=True)), self._process):
            process.resume()
        try:
            yield
        finally:
            self.pause()


@contextmanager
def running(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], ready: str, log: Path, *, seconds: float = 60
) -> Iterator[Server]:
    """Start a server and wait until `ready` answers 200. Its output goes through a pipe into `log`, as an engine of
    containers would have it. Raises SystemExit with the end of its output when it does not become ready."""
    with log.open("ab") as file, subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file) as sink:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=sink.stdin, stderr=file)
        try:
            _wait(ready, process, log, seconds)
            yield Server(process)
        finally:
            _stop(process)
            assert sink.stdin is not None
            sink.stdin.close()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"{url} did not become ready: {log.read_text(errors='replace')[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    for paused in family:
        paused.resume()
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in family:  # a server that ends without its workers
        if child.is_running():
            child.kill()
