"""Ports of this machine that are taken, as a container sees them."""

import ipaddress
import socket
from pathlib import Path

import pytest

from stack.published_ports import listeners, published_port_faults
from testkit.ports import free_port


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="no /proc")
@pytest.mark.parametrize(("host", "table"), [("127.0.0.1", "tcp"), ("0.0.0.0", "tcp"), ("::1", "tcp6")])
def test_listeners_are_read_as_the_kernel_writes_them(host, table):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        assert (ipaddress.ip_address(host), port) in set(listeners(Path(f"/proc/self/net/{table}").read_text()))
    assert (ipaddress.ip_address(host), port) not in set(listeners(Path(f"/proc/self/net/{table}").read_text()))


@pytest.mark.skipif(not Path("/proc/1/net/tcp").exists(), reason="no /proc")
def test_every_port_of_a_range_is_looked_at_and_the_variable_named():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        published = {"no-such-host-inference": f"{port - 1}-{port}", "no-such-host-drift": str(free_port())}
        faults = published_port_faults(published, "127.0.0.1")
        assert any(f"port {port}, which no-such-host-inference needs, is in use" in fault for fault in faults)
        assert not any("drift" in fault for fault in faults)


@pytest.mark.skipif(not Path("/proc/1/net/tcp").exists(), reason="no /proc")
def test_what_runs_already_is_no_fault():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        assert published_port_faults({"localhost": str(holder.getsockname()[1])}, "127.0.0.1") == []
