"""What callers may cost: heads, idle connections, those who leave or do not read."""

import socket
import time

import pytest

from testkit.connection import Connection, post
from testkit.serving import Serving
from tests.unit.serving.echoing import LARGE, app


@pytest.mark.parametrize(
    "head",
    [b"x: " + b"y" * 9_000 + b"\r\n", b"".join(b"x-%d: y\r\n" % i for i in range(101))],
    ids=["too large", "too many headers"],
)
def test_a_head_over_its_limits_is_refused(port, head):
    with Connection(port, b"GET /echo HTTP/1.1\r\nhost: x\r\n" + head + b"\r\n") as connection:
        assert connection.to_the_end().startswith(b"HTTP/1.1 431 ")


def test_a_head_that_never_ends_is_refused_when_it_is_too_large(port):
    """It cost memory without bound once."""
    with Connection(port, b"GET /echo HTTP/1.1\r\n") as connection:
        sent = 0
        try:
            while sent < 50_000_000:
                connection.send(b"x: " + b"y" * 10_000)
                sent += 10_000
        except OSError:
            pass
    assert sent < 10_000_000


@pytest.mark.parametrize("begun", [b"", b"GET /echo HTTP/1.1\r\nho"])
def test_a_head_that_does_not_come_ends_the_connection(port, begun):
    since = time.monotonic()
    with Connection(port, begun) as connection:
        assert connection.to_the_end() == b""
    assert 0.9 < time.monotonic() - since < 10


def test_a_connection_that_is_idle_ends_and_one_that_is_not_stays(port):
    with Connection(port, post(b"/echo", b"1")) as idle, Connection(port) as busy:
        for digit in b"12345":
            busy.send(post(b"/echo", bytes([digit]))).until(b"echo " + bytes([digit]))
            time.sleep(0.4)
        assert idle.to_the_end().endswith(b"echo 1")


def test_many_idle_connections_are_all_ended(port):
    begun = time.monotonic()
    for connection in [Connection(port) for _ in range(500)]:
        with connection:
            assert connection.to_the_end() == b""
    assert time.monotonic() - begun < 20


def test_a_thousand_new_connections_are_all_answered(port):
    connections = [Connection(port, post(b"/echo", b"1")) for _ in range(1000)]
    for connection in connections:
        with connection:
            connection.until(b"echo 1")


def test_what_is_no_http_is_refused(port):
    with Connection(port, b"HELLO\r\n\r\n") as connection:
        assert connection.to_the_end().startswith(b"HTTP/1.1 400 ")


def test_an_answer_before_the_body_was_read_reaches_a_caller_who_sends_all_of_it(port):
    with Connection(port) as connection:
        connection.send(post(b"/early", LARGE))
        assert connection.until(b"early").startswith(b"HTTP/1.1 413 ")
        connection.send(post(b"/echo", b"2")).until(b"echo 2")


def test_an_answer_before_the_body_was_read_comes_though_the_rest_never_does(port):
    with Connection(port, post(b"/early", b"not all")[:-1]) as connection:
        assert connection.until(b"early").startswith(b"HTTP/1.1 413 ")


def test_a_caller_who_leaves_in_the_middle_of_his_body_is_told_of(port):
    app.left.clear()
    with Connection(port, post(b"/echo", b"not all")[:-1]):
        time.sleep(0.2)
    deadline = time.monotonic() + 10
    while not app.left:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_body_that_is_cut_off_is_the_callers_fault(port):
    with Connection(port, post(b"/echo", b"not all")[:-1]) as connection:
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.to_the_end().startswith(b"HTTP/1.1 400 ")


def test_a_caller_who_reads_slowly_gets_everything(port):
    with Connection(port, post(b"/large") * 3 + post(b"/echo", b"end")) as connection:
        time.sleep(0.5)
        received = connection.until(b"echo end")
    assert received.count(b"x" * 1000) * 1000 == 3 * len(LARGE)


def test_a_caller_who_never_reads_is_not_read_for_ever(port):
    with Connection(port) as connection:
        connection.socket.settimeout(2)
        request, sent = post(b"/large") * 1000, 0
        with pytest.raises(OSError):
            while sent < 100_000_000:
                sent += connection.socket.send(request)
    assert sent < 20_000_000  # what the sockets hold


def test_what_an_app_streams_waits_for_a_caller_who_reads_slowly():
    """By ASGI alone: an answer by RSGI is whole."""
    sent = []

    async def streaming(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(100):
            await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
            sent.append(1)
        await send({"type": "http.response.body", "body": b""})

    server = Serving(streaming, stop_seconds=1)
    with Connection(server.port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"):
        time.sleep(1)
        assert len(sent) < 50
    assert server.stop()
