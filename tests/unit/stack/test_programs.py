"""The programs of the stack: who is told what, and ports that cannot be had."""

import socket

from stack.programs import Program, port_faults, service_programs
from stack.settings import PORTS, StackSettings
from testkit.ports import free_port


def program(name, port, host="127.0.0.1"):
    return Program(name, (), port, f"{name.upper()}_PORT", host=host)


def test_the_collector_comes_first_so_that_it_is_stopped_last():
    names = [p.name for p in service_programs(StackSettings())]
    assert names[0] == "collector"
    assert sorted(names) == sorted(PORTS)


def test_every_service_is_told_where_the_others_are(tmp_path):
    settings = StackSettings(inference_port=1, collector_port=2, drift_port=3, state=tmp_path)
    for service in service_programs(settings):
        told = [service.environment[f"PILOTHOUSE_{name}_URL"] for name in ("INFERENCE", "COLLECTOR", "DRIFT")]
        assert told == [f"http://127.0.0.1:{port}" for port in (1, 2, 3)]
        assert service.environment[service.port_variable] == str(service.port)


def test_no_service_reports_its_use_to_its_maker():
    for service in service_programs(StackSettings()):
        assert service.environment["DO_NOT_TRACK"] == service.environment["ORT_DISABLE_TELEMETRY"] == "1"


def test_free_ports_are_no_fault():
    assert port_faults([program("a", free_port())]) == []


def test_a_port_that_is_held_is_named_with_the_variable_that_changes_it():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        (fault,) = port_faults([program("drift", port)])
    assert f"port {port}, which drift needs, is in use" in fault
    assert "DRIFT_PORT=" in fault


def test_two_programs_that_want_one_port_are_named_once():
    port = free_port()
    assert port_faults([program("inference", port), program("drift", port)]) == [
        f"inference and drift both want port {port}: set DRIFT_PORT"
    ]


def test_an_address_that_this_machine_does_not_have_is_a_fault():
    assert len(port_faults([program("drift", free_port(), host="203.0.113.1")])) == 1
