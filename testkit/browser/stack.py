"""The real stack as processes, on ports of its own and with a state folder of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testkit.ports import free_ports
from testkit.stack.processes import Stack

SERVICES = ("inference", "collector", "drift", "frontend")


@contextmanager
def own_stack(state: Path, **environment: str) -> Iterator[tuple[Stack, dict[str, str]]]:
    """A stack that is ready, and the address of each of its services, and of Alertmanager where there is one."""
    *ports, prometheus, alertmanager = free_ports(len(SERVICES) + 2)
    environment |= {f"{name.upper()}_PORT": str(port) for name, port in zip(SERVICES, ports, strict=True)}
    environment |= {"PILOTHOUSE_STATE": str(state), "PROMETHEUS_PORT": str(prometheus)}
    environment["ALERTMANAGER_PORT"] = str(alertmanager)
    with Stack(sys.executable, "-m", "stack", environment=environment) as stack:
        stack.until("Ctrl-C stops", seconds=120)
        addresses = {name: f"http://127.0.0.1:{port}" for name, port in zip(SERVICES, ports, strict=True)}
        password = state / "alertmanager/password"
        if password.is_file():
            addresses["alertmanager"] = f"http://pilothouse:{password.read_text()}@127.0.0.1:{alertmanager}"
        yield stack, addresses
