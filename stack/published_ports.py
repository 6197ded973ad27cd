"""Which ports of this machine are taken, as a container that shares its process ids sees it (Linux)."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from stack.programs import Program, port_faults

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_TABLES = ("/proc/1/net/tcp", "/proc/1/net/tcp6")
_LISTENING = "0A"


def published_port_faults(published: Mapping[str, str], host: str) -> list[str]:
    """A sentence for each port of `published` (a service's name, and its port or `first-last`) that is taken.

    What a container of ours holds already is no fault: its name is known in the network of the containers.
    """
    held = [listener for table in _TABLES for listener in listeners(_read(table))]
    wanted = [p for name, ports in published.items() if not _is_running(name) for p in _programs(name, ports, host)]
    return port_faults(wanted, lambda address, port: not _is_held(held, address, port))


def listeners(table: str) -> Iterable[tuple[Address, int]]:
    """Address and port of every socket that listens, of the text of /proc/net/tcp or tcp6."""
    for line in table.splitlines()[1:]:
        local, state = (line.split()[i] for i in (1, 3))
        if state == _LISTENING:
            address, port = local.split(":")
            words = bytes.fromhex(address)  # of 32 bits, each with its least byte first
            swapped = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
            yield ipaddress.ip_address(swapped), int(port, 16)


def _is_held(held: list[tuple[Address, int]], host: str, port: int) -> bool:
    wanted = ipaddress.ip_address(host)
    return any(p == port and (a == wanted or a.is_unspecified or wanted.is_unspecified) for a, p in held)


def _programs(name: str, ports: str, host: str) -> list[Program]:
    first, _, last = ports.partition("-")
    return [
        Program(name, (), port, f"{name.upper()}_PORT", host=host) for port in range(int(first), int(last or first) + 1)
    ]


def _is_running(name: str) -> bool:
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        return False
    return True


def _read(table: str) -> str:
    try:
        return Path(table).read_text(encoding="ascii")
    except OSError:  # no IPv6
        return ""
