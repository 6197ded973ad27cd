"""A program of the stack, as data: what to start, where it listens, how to tell that it works."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Program:
    """`port_variable` is the environment variable that changes `port`; `page` is where a person begins reading. The
    stack goes on without an `optional` one."""

    name: str
    command: tuple[str, ...]
    port: int
    port_variable: str
    ready_path: str = "/health/ready"
    environment: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    page: str = "/"
    purpose: str = ""
    grace_seconds: float = 10
    optional: bool = False

    @property
    def address(self) -> str:
        return f"http://{reachable(self.host)}:{self.port}"


def reachable(host: str) -> str:
    """The address to call somebody at who listens on `host`: nobody can connect to "every interface"."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared with, not listened on


def port_faults(programs: Iterable[Program]) -> list[str]:
    """A sentence for every port that cannot be had, naming the variable that changes it."""
    faults: list[str] = []
    taken: dict[int, str] = {}
    for program in programs:
        if program.port in taken:
            faults.append(
                f"{taken[program.port]} and {program.name} both want port {program.port}: set {program.port_variable}"
            )
        elif not _can_listen(program.host, program.port):
            faults.append(
                f"port {program.port}, which {program.name} needs, is in use: stop what holds it, "
                f"or choose another with {program.port_variable}={program.port + 10}"
            )
        taken.setdefault(program.port, program.name)
    return faults


def _can_listen(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do, or TIME_WAIT looks taken
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True
