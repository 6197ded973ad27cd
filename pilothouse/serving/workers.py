"""Several processes that serve one port, and look like one service to whoever asks how it is.

supervisor ── starts, starts again, stops ──> worker 0, worker 1, ...    each listens on the port (SO_REUSEPORT)
worker ── "metrics"? "ready"? ──> supervisor ── the same ──> every worker     over unix sockets

The server's own parent process is not used: it gives up when a worker dies twice in 5 s, and leaves its workers behind
when it is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Self

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from pilothouse.serving import merging
from pilothouse.serving.readiness import Readiness

_WRONG_SETTINGS = 2  # the status of a program whose settings are wrong: another try would say the same
_ANSWER_SECONDS, _WORKER_SECONDS = 5.0, 2.0
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 10.0
_KILLED = (-signal.SIGKILL, -signal.SIGTERM)  # from outside, which says nothing about the next one
_STEADY_SECONDS = 30.0
_SPARE_SECONDS = 2.0
_SUPERVISOR = "all"


def _answer(path: Path, answers: Mapping[str, Callable[[], bytes]]) -> Callable[[], None]:
    """Answer questions on the socket at `path`, one at a time, in a thread. What it gives ends that, and removes the
    socket; else the interpreter's own end tries to."""
    path.unlink(missing_ok=True)  # of one that was killed
    listener = Listener(str(path), "AF_UNIX", backlog=64)
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            try:
                with listener.accept() as connection:
                    connection.send_bytes(answers[connection.recv_bytes(100).decode()]())
            except (OSError, EOFError, KeyError):  # whoever asked is gone
                continue

    def end() -> None:
        ended.set()
        listener.close()

    threading.Thread(target=listen, daemon=True).start()
    return end


def ask(path: Path, question: str, seconds: float) -> bytes:
    """Raises OSError when nobody answers in time."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(seconds)  # without it, one that hangs, and has 64 waiting, is waited for without end
        caller.connect(str(path))
        caller.setblocking(True)
        connection = Connection(caller.detach())
    with connection:
        connection.send_bytes(question.encode())
        if not connection.poll(seconds):
            raise OSError(f"no answer to {question!r}")
        try:
            return connection.recv_bytes()
        except EOFError:
            raise OSError(f"no answer to {question!r}") from None


@dataclass(frozen=True, slots=True)
class WorkerArguments:
    """Where a worker stands: the folder of the sockets, its number, the port, the supervisor's process."""

    folder: Path
    number: int
    port: int
    supervisor: int

    @property
    def arguments(self) -> list[str]:
        return ["--worker", str(self.folder), str(self.number), str(self.port), str(self.supervisor)]

    @classmethod
    def read(cls, arguments: list[str]) -> Self | None:
        """From the command line that `arguments` made; None on any other."""
        if len(arguments) != 5 or arguments[0] != "--worker":
            return None
        return cls(Path(arguments[1]), *map(int, arguments[2:]))


class Worker:
    """This process among others. It ends, as if told to, when its supervisor is gone."""

    def __init__(self, place: WorkerArguments, registry: CollectorRegistry, readiness: Readiness) -> None:
        self.port = place.port
        self._all = place.folder / _SUPERVISOR
        answers = {
            "metrics": lambda: merging.take(registry),
            "ready": lambda: msgspec.json.encode(readiness.reasons()),
        }
        _answer(place.folder / str(place.number), answers)
        threading.Thread(target=_follow, args=(place.supervisor,), daemon=True).start()

    async def metrics(self) -> bytes:
        """The metrics of all workers, as text. Raises OSError."""
        return await asyncio.to_thread(ask, self._all, "metrics", _ANSWER_SECONDS)

    async def reasons(self) -> dict[str, str]:
        """Why not all of them can work; empty when they can. Raises OSError."""
        found: dict[str, str] = msgspec.json.decode(await asyncio.to_thread(ask, self._all, "ready", _ANSWER_SECONDS))
        return found


def _follow(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


class _Slot:
    """One worker's place, and who stands there now."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
        self.last: list[merging.Family] = []  # what this process last said
        self.started = self.wait = self.due = 0.0

    def ended(self, status: int, now: float) -> None:
        """Another is started: at once after one that was killed or had run for a while, the later the more often they
        end by themselves."""
        steady = status in _KILLED or now - self.started > _STEADY_SECONDS
        self.wait = _FIRST_WAIT if steady else min(_LONGEST_WAIT, max(_FIRST_WAIT, self.wait * 2))
        self.process, self.last, self.due = None, [], now + self.wait


class WorkerSupervisor:
    """`run` once. `command` starts a worker, with its `WorkerArguments` as further arguments."""

    def __init__(self, command: Sequence[str], count: int, stop_seconds: float) -> None:
        self._command, self._stop_seconds = list(command), stop_seconds
        self._slots = [_Slot(number) for number in range(count)]
        self._ended: list[merging.Family] = []  # what those counted that are no more
        self._restarts = 0
        self._mutex = threading.Lock()
        self._stopping = threading.Event()
        self._status = 0
        self._log = structlog.get_logger("workers")

    def run(self, port: int) -> int:
        """Until SIGTERM or SIGINT, or until settings turn out wrong; the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        with tempfile.TemporaryDirectory(prefix="workers-") as folder:
            self._folder, self._port = Path(folder), port
            end = _answer(self._folder / _SUPERVISOR, {"metrics": self._metrics, "ready": self._ready})
            self._log.info("starting", workers=len(self._slots), port=port)
            while not self._stopping.wait(0.1):
                self._look_after()
            self._stop()
            end()
        return self._status

    def _look_after(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.process is not None and (status := slot.process.poll()) is not None:
                self._bury(slot, status, now)
        if all(slot.process is None for slot in self._slots):
            min(self._slots, key=lambda slot: slot.due).due = now  # one at least is always being started
        for slot in self._slots:
            if slot.process is None and now >= slot.due:
                place = WorkerArguments(self._folder, slot.number, self._port, os.getpid())
                slot.process, slot.started = subprocess.Popen([*self._command, *place.arguments]), now

    def _bury(self, slot: _Slot, status: int, now: float) -> None:
        """What it counted stays counted."""
        with self._mutex:
            self._ended = merging.merge([self._ended, merging.counted(slot.last)])
            slot.ended(status, now)
            self._restarts += 1
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
                    slot.last = merging.read(ask(self._folder / str(slot.number), "metrics", _WORKER_SECONDS))
                except (OSError, msgspec.DecodeError):
                    slot.last = merging.counted(slot.last)
            running = sum(s.process is not None for s in self._slots)
            every = merging.merge([*(s.last for s in self._slots), self._ended])
            return merging.expose([*every, *own_metrics(running, self._restarts)])

    def _ready(self) -> bytes:
        """Why not all can work, by worker, as JSON."""
        reasons: dict[str, str] = {}
        for slot in self._slots:
            try:
                said: dict[str, str] = msgspec.json.decode(
                    ask(self._folder / str(slot.number), "ready", _WORKER_SECONDS)
                )
            except (OSError, msgspec.DecodeError):
                said = {"process": "does not answer (yet)"}
            reasons |= {f"worker {slot.number}, {part}": why for part, why in said.items()}
        return msgspec.json.encode(reasons)


def own_metrics(running: int, restarts: int) -> list[merging.Family]:
    """What the supervisor adds to what the workers say."""
    return [
        _plain("pilothouse_workers", "gauge", "Worker processes that run.", running),
        _plain("pilothouse_worker_restarts_total", "counter", "Workers that died.", restarts),
    ]


def _plain(name: str, kind: str, text: str, value: float) -> merging.Family:
    return merging.Family(name.removesuffix("_total"), kind, text, [(name, (), value)])


def supervise(module: str, count: int, host: str, port: int, stop_seconds: float) -> int:
    """Run `python -m module` so many times on one port until told to stop; the exit status."""
    try:
        with reserve_port(host, port) as reserved:
            return WorkerSupervisor([sys.executable, "-m", module], count, stop_seconds).run(reserved.getsockname()[1])
    except OSError as error:
        print(f"{host}:{port}: {error.strerror or error}", file=sys.stderr)
        return 3


def reserve_port(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that keeps an address for the servers of this service, and never listens. Port 0 chooses one.

    Raises OSError; it does so when somebody listens there or has kept it like this, unless the address is `shared` with
    him.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    if port and not shared:
        with socket.socket(family, kind, protocol) as alone:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(address)
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind(address)  # without SO_REUSEADDR, so that `alone` of another service meets it before anybody listens
    except OSError:  # old connections of another program are still there
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    return bound
