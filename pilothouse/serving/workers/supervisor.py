"""The supervisor: starts the workers, starts again those that die, stops them all, and speaks for them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from pilothouse.serving.workers.line import Line, ask
from pilothouse.serving.workers.merging import Family, counted, expose, merge, read
from pilothouse.serving.workers.worker import SUPERVISOR, Place

_WRONG_SETTINGS = 2  # the status of a program whose settings are wrong: another try would say the same
_ANSWER_SECONDS = 2.0
_LONGEST_WAIT = 10.0
_STEADY_SECONDS = 30.0
_SPARE_SECONDS = 2.0


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket bound to an address that others may be bound to as well; it listens when it is told to.
    Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(address)
    return bound


class _Slot:
    """One worker's place, and who stands there now."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
        self.last: list[Family] = []  # what this process last said
        self.started = 0.0
        self.wait = 0.0
        self.due = 0.0


class Supervisor:
    """`run` once. `command` starts a worker, with its `Place` as further arguments."""

    def __init__(self, command: Sequence[str], count: int, host: str, port: int, stop_seconds: float) -> None:
        self._command, self._stop_seconds = list(command), stop_seconds
        self._address = (host, port)
        self._slots = [_Slot(number) for number in range(count)]
        self._ended: list[Family] = []  # what those counted that are no more
        self._restarts = 0
        self._mutex = threading.Lock()
        self._stopping = threading.Event()
        self._status = 0
        self._log = structlog.get_logger("workers")

    def run(self) -> int:
        """Until SIGTERM or SIGINT, or until settings turn out wrong; the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        # bound and never listening: it keeps the port while no worker runs, and chooses it where it is 0
        with listening_socket(*self._address) as reserved, tempfile.TemporaryDirectory(prefix="workers-") as folder:
            port = reserved.getsockname()[1]
            line = Line(Path(folder) / SUPERVISOR, {"metrics": self._metrics, "ready": self._ready})
            self._folder, self._port = Path(folder), port
            self._log.info("starting", workers=len(self._slots), port=port)
            while not self._stopping.wait(0.1):
                for slot in self._slots:
                    self._look_after(slot)
            self._stop()
            line.close()
        return self._status

    def _look_after(self, slot: _Slot) -> None:
        now = time.monotonic()
        if slot.process is None and now >= slot.due:
            place = Place(self._folder, slot.number, self._port, os.getpid())
            slot.process, slot.started = subprocess.Popen([*self._command, *place.arguments]), now
        elif slot.process is not None and (status := slot.process.poll()) is not None:
            self._bury(slot, status, now)

    def _bury(self, slot: _Slot, status: int, now: float) -> None:
        """What it counted stays counted; another is started, the later the sooner this one died."""
        with self._mutex:
            self._ended = merge([self._ended, counted(slot.last)])
            slot.process, slot.last = None, []
            self._restarts += 1
        slot.wait = 0.1 if now - slot.started > _STEADY_SECONDS else min(_LONGEST_WAIT, max(0.1, slot.wait * 2))
        slot.due = now + slot.wait
        if status == _WRONG_SETTINGS:
            self._status = status
            self._stopping.set()
        self._log.error("a worker ended", worker=slot.number, status=status, again_in_seconds=round(slot.wait, 1))

    def _stop(self) -> None:
        """All at once, within the budget of one; who needs longer is killed."""
        processes = [slot.process for slot in self._slots if slot.process is not None]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + self._stop_seconds + _SPARE_SECONDS
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._log.error("a worker had to be killed", process=process.pid)
                process.kill()
                process.wait()

    def _metrics(self) -> bytes:
        """The text of all workers' metrics. What one does not tell in time is what it told last."""
        with self._mutex:
            for slot in self._slots:
                try:
                    slot.last = read(self._ask(slot, "metrics"))
                except (OSError, msgspec.DecodeError):
                    slot.last = counted(slot.last)
            return expose([*merge([*(s.last for s in self._slots), self._ended]), *self._own()])

    def _own(self) -> list[Family]:
        running = sum(s.process is not None for s in self._slots)
        return [
            _plain("gauge", "pilothouse_workers", "Worker processes running behind the service's port.", running),
            _plain("counter", "pilothouse_worker_restarts_total", "Worker processes that died.", self._restarts),
        ]

    def _ready(self) -> bytes:
        """Why not all can work, by worker, as JSON."""
        reasons: dict[str, str] = {}
        for slot in self._slots:
            try:
                said: dict[str, str] = msgspec.json.decode(self._ask(slot, "ready"))
            except (OSError, msgspec.DecodeError):
                said = {"process": "does not answer (yet)"}
            reasons |= {f"worker {slot.number}, {part}": why for part, why in said.items()}
        return msgspec.json.encode(reasons)

    def _ask(self, slot: _Slot, question: str) -> bytes:
        return ask(self._folder / str(slot.number), question, _ANSWER_SECONDS)


def _plain(kind: str, name: str, text: str, value: float) -> Family:
    return Family(name.removesuffix("_total"), kind, text, [(name, (), value)])


def supervise(module: str, count: int, host: str, port: int, stop_seconds: float) -> int:
    """Run `python -m module` so many times on one port until told to stop; the exit status."""
    try:
        return Supervisor([sys.executable, "-m", module], count, host, port, stop_seconds).run()
    except OSError as error:
        print(f"{host}:{port}: {error.strerror or error}", file=sys.stderr)
        return 3
