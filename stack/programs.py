"""The programs of the stack: what to start, where it listens, how to tell that it is ready.

The services are listed in the order in which data flows and stopped in the reverse order: the collector comes last, so
that a stopping inference service can still hand over what it has logged.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pilothouse.commands.connection import reachable
from pilothouse.serving.probe import why_not_ready
from stack.settings import StackSettings

# ONNX Runtime, Evidently and Streamlit would report their use to their makers; the first reads its switch at import
_NO_TELEMETRY = {
    "ORT_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}


@dataclass(frozen=True, slots=True)
class Login:
    """What a program asks of whoever calls it, by HTTP's basic authentication."""

    user: str
    password_file: Path

    @property
    def password(self) -> str:
        return self.password_file.read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Program:
    """`port_variable` is the environment variable that changes `port`, `page` the path of the page for people.

    When an `optional` program fails, the stack goes on without it.
    """

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
    login: Login | None = None

    @property
    def address(self) -> str:
        return f"http://{reachable(self.host)}:{self.port}"

    @property
    def address_with_login(self) -> str:
        """For a program that calls this one; it is not to be shown."""
        login = f"{self.login.user}:{self.login.password}@" if self.login else ""
        return f"http://{login}{reachable(self.host)}:{self.port}"

    def why_not_ready(self) -> str | None:
        """None when it answers that it is ready."""
        login = (self.login.user, self.login.password) if self.login else None
        return why_not_ready(reachable(self.host), self.port, self.ready_path, login)


def service_programs(settings: StackSettings) -> list[Program]:
    """The four services, told of each other's addresses. Without a database URL the collector keeps SQLite."""
    base = f"http://{reachable(settings.host)}"
    shared = _NO_TELEMETRY | {
        "PYTHONUNBUFFERED": "1",
        "PILOTHOUSE_HOST": settings.host,
        "PILOTHOUSE_STATE": str(settings.state.resolve()),
        "PILOTHOUSE_MODELS": str(settings.models.resolve()),
        "PILOTHOUSE_LOG_FORMAT": settings.log_format,
        "PILOTHOUSE_INFERENCE_URL": f"{base}:{settings.inference_port}",
        "PILOTHOUSE_COLLECTOR_URL": f"{base}:{settings.collector_port}",
        "PILOTHOUSE_DRIFT_URL": f"{base}:{settings.drift_port}",
        "PILOTHOUSE_HOST_METRICS": "false",
    }

    def service(name: str, port: int, purpose: str, page: str = "/docs", **more: str) -> Program:
        variable, command = f"{name.upper()}_PORT", (sys.executable, "-m", f"services.{name}")
        environment = shared | {variable: str(port)} | more
        return Program(
            name, command, port, variable, environment=environment, host=settings.host, page=page, purpose=purpose
        )

    host_metrics = {"PILOTHOUSE_HOST_METRICS": str(settings.host_metrics).lower()}  # one service is enough
    return [
        service("collector", settings.collector_port, "keeps every prediction, labels, drift results", **host_metrics),
        service("inference", settings.inference_port, "predictions over HTTP"),
        service("drift", settings.drift_port, "drift scores and reports"),
        service("frontend", settings.frontend_port, "the page for people", "/"),
    ]


def can_listen(host: str, port: int) -> bool:
    """Whether a program of this machine could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family, backlog=1).close()
    except OSError:
        return False
    return True


def port_faults(programs: Iterable[Program], is_free: Callable[[str, int], bool] = can_listen) -> list[str]:
    """A sentence for every port that cannot be had, naming the variable that changes it."""
    faults: list[str] = []
    taken: dict[int, str] = {}
    for program in programs:
        if program.port in taken:
            faults.append(
                f"{taken[program.port]} and {program.name} both want port {program.port}: set {program.port_variable}"
            )
        elif not is_free(program.host, program.port):
            faults.append(
                f"port {program.port}, which {program.name} needs, is in use: stop what holds it, "
                f"or choose another with {program.port_variable}={program.port + 10}"
            )
        taken.setdefault(program.port, program.name)
    return faults
