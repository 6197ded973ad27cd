"""Servers as processes: waited for, measured, paused, and what is said of one that does not start."""

import sys

import httpx2
import psutil
import pytest

from bench.serving.servers import running
from testkit.ports import free_port

SERVER = """
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def started(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with running([sys.executable, "-c", SERVER, str(port)], tmp_path, {}, url, tmp_path / "log") as server:
        yield server, url


def test_it_is_ready_when_the_block_begins_and_its_time_and_memory_are_known(started):
    server, url = started
    before = server.cpu_seconds()
    for _ in range(30):
        httpx2.get(url)
    assert server.cpu_seconds() > before > 0
    assert server.memory_bytes() > 5_000_000


def test_a_paused_server_answers_nobody_until_it_is_awake(started):
    server, url = started
    server.pause()
    with pytest.raises(httpx2.TimeoutException):
        httpx2.get(url, timeout=0.3)
    with server.awake():
        assert httpx2.get(url, timeout=10).status_code == 200
    with pytest.raises(httpx2.TimeoutException):
        httpx2.get(url, timeout=0.3)


def test_nothing_is_left_when_the_block_ends(tmp_path):
    port = free_port()
    command = [sys.executable, "-c", SERVER, str(port)]
    with running(command, tmp_path, {}, f"http://127.0.0.1:{port}/", tmp_path / "log"):
        pass
    assert not [
        p for p in psutil.Process().children() if p.status() != psutil.STATUS_ZOMBIE and str(port) in p.cmdline()
    ]


def test_one_that_ends_at_once_is_told_of_with_the_end_of_its_output(tmp_path):
    command = [sys.executable, "-c", "raise ValueError('no model here')"]
    with (
        pytest.raises(SystemExit, match="no model here"),
        running(command, tmp_path, {}, "http://127.0.0.1:1/", tmp_path / "log"),
    ):
        raise AssertionError("it never ran")


def test_one_that_never_gets_ready_is_given_up_and_ended(tmp_path):
    command = [sys.executable, "-c", "import time; print('still loading', flush=True); time.sleep(60)"]
    with (
        pytest.raises(SystemExit),
        running(command, tmp_path, {}, f"http://127.0.0.1:{free_port()}/", tmp_path / "log", seconds=1.5),
    ):
        raise AssertionError("it was never ready")
    assert "still loading" in (tmp_path / "log").read_text()
