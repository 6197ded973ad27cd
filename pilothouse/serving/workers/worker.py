"""A worker's side: it answers for itself, and asks the supervisor about all of them."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec
from prometheus_client import CollectorRegistry

from pilothouse.serving.readiness import Readiness
from pilothouse.serving.workers.line import Line, ask
from pilothouse.serving.workers.merging import take

_SECONDS = 5.0
SUPERVISOR = "all"


@dataclass(frozen=True, slots=True)
class Place:
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

    def take(self, registry: CollectorRegistry, readiness: Readiness) -> Worker:
        """Be the worker at this place."""
        return Worker(self, registry, readiness)


class Worker:
    """This process among others. It ends, as if told to, when its supervisor is gone."""

    def __init__(self, place: Place, registry: CollectorRegistry, readiness: Readiness) -> None:
        self.port = place.port
        self._all = place.folder / SUPERVISOR
        Line(
            place.folder / str(place.number),
            {"metrics": lambda: take(registry), "ready": lambda: msgspec.json.encode(readiness.reasons())},
        )
        threading.Thread(target=_follow, args=(place.supervisor,), daemon=True).start()

    async def metrics(self) -> bytes:
        """The metrics of all workers, as text. Raises OSError."""
        return await asyncio.to_thread(ask, self._all, "metrics", _SECONDS)

    async def reasons(self) -> dict[str, str]:
        """Why not all of them can work; empty when they can. Raises OSError."""
        found: dict[str, str] = msgspec.json.decode(await asyncio.to_thread(ask, self._all, "ready", _SECONDS))
        return found


def _follow(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
