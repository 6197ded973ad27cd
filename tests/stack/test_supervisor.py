"""The supervisor of `make run`, with stand-ins for the services: real processes, real signals, real ports."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from testkit.ports import free_ports, is_held
from testkit.stack.processes import Stack, left_after

STACK = str(Path(__file__).parents[2] / "testkit/stack/standin_stack.py")


@pytest.fixture
def ports():
    return free_ports(2)


def start(*programs):
    return Stack(sys.executable, STACK, *programs)


def ask(port, path):
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5)


def test_prints_the_addresses_when_all_are_ready_and_leaves_nothing_behind(ports):
    with start(f"first:{ports[0]}", f"second:{ports[1]}:worker") as stack:
        stack.until(rf"first .*http://127\.0\.0\.1:{ports[0]}/")
        tree = stack.tree()
        stack.interrupt()
        assert stack.end() == 0
        assert len(tree) == 4  # two programs, a worker, the reaper
        assert left_after(tree, 0) == []
        assert not any(is_held(p) for p in ports)


def test_lines_carry_the_name_of_their_program(ports):
    with start(f"first:{ports[0]}", f"second:{ports[1]}") as stack:
        stack.until("Ctrl-C")
        assert any(line.startswith("first      | listening") for line in stack.lines)
        assert any(line.startswith("second     | listening") for line in stack.lines)


def test_stops_from_the_last_to_the_first(ports):
    with start(f"first:{ports[0]}", f"second:{ports[1]}") as stack:
        stack.until("Ctrl-C")
        stack.interrupt()
        stack.end()
        stops = [line.split()[0] for line in stack.lines if "stopping politely" in line]
        assert stops == ["second", "first"]


def test_starts_a_dead_program_again_and_says_so(ports):
    with start(f"first:{ports[0]}", f"second:{ports[1]}") as stack:
        stack.until("Ctrl-C")
        ask(ports[0], "/die")
        stack.until(r"first ended \(exit status 7\); starting it again in 0\.1 s \(1 of 2\)")
        stack.until("first is ready again")


def test_gives_up_on_a_program_that_keeps_dying_and_ends_with_an_error(ports):
    with start(f"first:{ports[0]}", f"second:{ports[1]}") as stack:
        stack.until("Ctrl-C")
        for _ in range(2):
            ask(ports[0], "/die")
            stack.until("first is ready again")
        ask(ports[0], "/die")
        stack.until("giving up")
        assert stack.end() == 1
        assert not any(is_held(p) for p in ports)


def test_a_program_that_cannot_start_ends_the_stack_with_its_message(ports):
    with start(f"first:{ports[0]}", f"second:{ports[1]}:broken") as stack:
        stack.until("second .* a setting is wrong")
        assert stack.end() == 1
        assert "second ended (exit status 1), 2 times in a row: giving up" in stack.output
        assert "Pilothouse is ready" not in stack.output


@pytest.mark.parametrize("fault", ["broken", "never-ready"])
def test_an_optional_program_that_does_not_start_is_missing_from_the_addresses_and_no_more(ports, fault):
    with start(f"first:{ports[0]}", f"second:{ports[1]}:optional:{fault}") as stack:
        stack.until("Pilothouse is ready", seconds=60)
        stack.until(f"first .*:{ports[0]}/")
        stack.until("Ctrl-C")
        assert not any(f":{ports[1]}/" in line for line in stack.lines)
        stack.interrupt()
        assert stack.end() == 0


def test_says_what_a_program_that_is_not_ready_waits_for(ports):
    with start(f"first:{ports[0]}:never-ready") as stack:
        stack.until("waiting for first: model: still looking for it")
        stack.until("first is not ready after 5 s: model: still looking for it")
        assert stack.end() == 1


def test_kills_a_program_that_does_not_stop_in_its_grace_time(ports):
    with start(f"first:{ports[0]}:stubborn:worker") as stack:
        stack.until("Ctrl-C")
        tree = stack.tree()
        stack.process.send_signal(signal.SIGTERM)
        assert stack.end(10) == 0
        assert left_after(tree, 0) == []


def test_a_second_interrupt_waits_for_nobody(ports):
    with start(f"first:{ports[0]}:stubborn") as stack:
        stack.until("Ctrl-C")
        stack.interrupt()
        stack.until("stopping")
        stack.interrupt()
        assert stack.end(1.5) == 0  # the grace time is 2 s


@pytest.mark.parametrize("flags", ["worker", "stubborn:worker"])
def test_nothing_outlives_a_killed_supervisor(ports, flags):
    with start(f"first:{ports[0]}:{flags}", f"second:{ports[1]}") as stack:
        stack.until("Ctrl-C")
        tree = stack.tree()
        os.kill(stack.process.pid, signal.SIGKILL)
        assert left_after(tree, 10) == []
        assert not any(is_held(p) for p in ports)


def test_stops_when_nobody_reads_its_output_any_more(ports):
    command = [sys.executable, STACK, f"first:{ports[0]}:worker"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert any("Ctrl-C" in line for line in iter(process.stdout.readline, ""))
        tree = psutil.Process(process.pid).children(recursive=True)
        process.stdout.close()
        ask(ports[0], "/die")  # which makes it write a line
        assert process.wait(10) == 0
        assert left_after(tree, 0) == []


def test_a_port_in_use_is_named_with_the_variable_that_changes_it(ports):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", ports[0]))
        holder.listen()
        with start(f"first:{ports[0]}", f"second:{ports[1]}") as stack:
            stack.until(f"port {ports[0]}, which first needs, is in use.*FIRST_PORT={ports[0] + 10}")
            assert stack.end() == 1
            assert "starting" not in stack.output
