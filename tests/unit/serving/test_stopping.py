"""One budget from SIGTERM to the end."""

import signal
import socket
import sys
import time

import httpx2
import pytest

from pilothouse.serving.stopping import Stopping
from testkit.stack.processes import Stack
from testkit.waiting import wait_for


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_the_budget_begins_with_the_first_order():
    clock = Clock()
    stopping = Stopping(9, clock)
    stopping.begin()
    clock.now += 4
    stopping.begin()
    assert stopping.left() == 5
    clock.now += 6
    assert stopping.left() == 0


@pytest.fixture
def started():
    """A service with these seconds to stop and to linger, and its address."""
    services = []

    def start(stop_seconds, linger_seconds, *how):
        times = str(stop_seconds), str(linger_seconds)
        service = Stack(sys.executable, "-m", "tests.unit.serving.lingering", *times, *how)
        services.append(service)
        url = "http://127.0.0.1:" + service.until(r"port (\d+)")[1]
        wait_for(lambda: answers(url))
        return service, url

    yield start
    for service in services:
        service.__exit__()


def answers(url):
    try:
        return httpx2.get(f"{url}/health/live", timeout=2).is_success
    except httpx2.HTTPError:
        return False


def slow_request(url):
    """A request under way that will not be answered in time."""
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.3)
    return connection


def test_requests_in_flight_take_half_of_the_budget_at_most_and_leave_the_rest_to_the_app(started):
    service, url = started(8, 0)
    with slow_request(url):
        begun = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        left = float(service.until(r"left ([\d.]+)")[1])
        took = time.monotonic() - begun
    service.end()
    assert 0 < left <= 4
    assert took > 3.9


def test_without_requests_the_app_has_nearly_all_of_it(started):
    service, _ = started(30, 0)
    service.process.send_signal(signal.SIGTERM)
    assert float(service.until(r"left ([\d.]+)")[1]) > 16  # the machine may be slow
    assert service.end() == -signal.SIGTERM


def test_it_goes_on_serving_while_it_lingers_and_then_ends(started):
    service, url = started(30, 3)
    begun = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    time.sleep(1)
    assert answers(url)
    service.until("left")
    service.end()
    assert time.monotonic() - begun >= 3


def test_a_second_signal_ends_the_lingering(started):
    service, _ = started(60, 50)
    service.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    service.process.send_signal(signal.SIGTERM)
    service.until("left", seconds=20)
    service.end()


def test_ctrl_c_does_not_linger(started):
    service, _ = started(60, 50)
    service.process.send_signal(signal.SIGINT)
    service.until("left", seconds=20)
    service.end()


def test_an_end_that_fails_says_what_failed_and_not_that_the_address_is_taken(started):
    service, _ = started(30, 0, "fails")
    service.process.send_signal(signal.SIGTERM)
    service.until("FileNotFoundError: the state folder is gone")
    assert service.end() == 1
    assert "127.0.0.1:" not in service.output
