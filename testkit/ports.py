"""Ports of this machine: free ones, and whether somebody listens."""

from __future__ import annotations

import socket


def free_ports(count: int) -> list[int]:
    """Different ports of 127.0.0.1 that nobody holds at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def free_port() -> int:
    """One such port."""
    return free_ports(1)[0]


def closed_address() -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def is_held(port: int) -> bool:
    """Whether somebody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
