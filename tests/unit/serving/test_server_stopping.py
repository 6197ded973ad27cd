"""How a server ends, with requests under way."""

import threading
import time

import pytest

from testkit.connection import Connection, post
from testkit.serving import serving
from tests.unit.serving.echoing import WithHandler, make


def test_stopping_waits_for_an_answer_that_is_under_way(way):
    server = make(way)
    with Connection(server.port, post(b"/late", b"1")) as connection, Connection(server.port) as idle:
        time.sleep(0.1)
        server.begin_to_stop()
        assert b"connection: close\r\n" in connection.until(b"late 1")
        assert idle.to_the_end() == b""
    assert server.stop(5)


def test_what_has_no_answer_when_half_of_the_time_is_over_is_refused(way):
    server = make(way)
    with Connection(server.port, post(b"/never", b"1")) as connection:
        time.sleep(0.1)
        begun = time.monotonic()
        server.begin_to_stop()
        assert connection.to_the_end().startswith(b"HTTP/1.1 503 ")
        assert time.monotonic() - begun > 0.9
    assert server.stop(5)


def test_a_body_that_has_not_come_when_half_of_the_time_is_over_is_refused(way):
    server = make(way)
    with Connection(server.port, post(b"/echo", b"not all")[:-1]) as connection:
        time.sleep(0.1)
        server.begin_to_stop()
        assert connection.to_the_end().startswith(b"HTTP/1.1 503 ")
    assert server.stop(5)


def test_an_answer_that_is_under_way_when_the_time_is_over_ends_and_is_not_whole(caplog):
    """By ASGI alone: an answer by RSGI is whole."""
    server = make("asgi")
    with Connection(server.port, post(b"/half")) as connection:
        connection.until(b"half")
        server.begin_to_stop()
        assert connection.to_the_end().endswith(b"\r\n\r\n4\r\nhalf\r\n")
    assert server.stop(5)
    assert not caplog.records


def test_a_caller_who_never_reads_does_not_keep_the_server_from_ending(way):
    server = make(way)
    with Connection(server.port, post(b"/large") * 3):
        time.sleep(0.3)
        assert server.stop(10)


def test_stopping_under_load_loses_no_answer_that_was_begun(way):
    """A caller that is cut off has no answer, and never half of one."""
    server, broken = make(way), []

    def load():
        try:
            while True:
                with Connection(server.port, post(b"/echo", b"1")) as connection:
                    connection.until(b"echo 1")
        except AssertionError as error:
            if error.args[0]:
                broken.append(error.args[0])
        except OSError:
            pass  # nobody listens any more

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    assert server.stop(10)
    for thread in threads:
        thread.join(20)
    assert broken == []


def test_an_app_that_cannot_start_is_not_served():
    class Broken(WithHandler):
        async def __aenter__(self):
            raise RuntimeError("no database")

    with pytest.raises(RuntimeError, match="no database"), serving(Broken()):
        pass
