"""Waiting, and ports."""

import socket

import pytest

from testkit.ports import closed_address, free_port, free_ports, is_held
from testkit.waiting import wait_for


def test_waiting_gives_the_first_true_value():
    values = iter([0, "", None, 7, 8])
    assert wait_for(lambda: next(values)) == 7


def test_waiting_ends_and_says_why():
    with pytest.raises(AssertionError, match=r"did not happen in 0\.1 s\. the log is empty"):
        wait_for(lambda: False, 0.1, lambda: "the log is empty")


def test_ports_that_are_asked_for_together_differ():
    assert len(set(free_ports(20))) == 20


def test_a_port_is_held_while_somebody_listens():
    port = free_port()
    assert not is_held(port)
    with socket.create_server(("127.0.0.1", port)):
        assert is_held(port)


def test_nobody_listens_at_a_closed_address():
    assert not is_held(int(closed_address().rsplit(":", 1)[1]))
