"""The load: what wrk said, a wrk that is missing or breaks, and a burst of new connections against real sockets."""

import asyncio
import threading

import pytest

from bench.serving.load import Target, burst, load
from testkit.ports import free_port

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@pytest.fixture
def target(tmp_path):
    body = tmp_path / "body.json"
    body.write_text('{"a": 1}')
    return lambda port=1: Target(f"http://127.0.0.1:{port}/predict", body)


@pytest.fixture
def wrk(tmp_path, monkeypatch):
    """A `wrk` that is a shell script of the test."""

    def install(script):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "wrk").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "wrk").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return install


def test_a_rate_is_requests_over_the_seconds_that_wrk_measured(wrk, target):
    wrk("""echo 'RESULT {"requests": 300, "seconds": 1.5, "p50_ms": 2.0, "p99_ms": 9.0, "errors": 4}'""")
    found = load(target(), 1)
    assert (found.per_second, found.p99_ms, found.errors, found.requests) == (200, 9.0, 4, 300)


def test_the_body_its_type_and_whether_heads_are_new_are_handed_to_the_script(wrk, target, tmp_path):
    wrk(
        f'env > {tmp_path}/seen; echo \'RESULT {{"requests": 1, "seconds": 1, "p50_ms": 1, "p99_ms": 1, "errors": 0}}\''
    )
    load(target(), 1)
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines() if "=" in line)
    assert (seen["BODY"], seen["TYPE"], seen["HEADS"]) == (str(target().body), "application/json", "new")


def test_a_wrk_that_breaks_ends_the_run_with_what_it_said(wrk, target):
    wrk("echo 'unable to connect' >&2; exit 1")
    with pytest.raises(SystemExit, match="unable to connect"):
        load(target(), 1)


def test_without_wrk_it_says_how_to_have_it(monkeypatch, tmp_path, target):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="apt-get install wrk"):
        load(target(), 1)


@pytest.fixture
def listening():
    """A server in a thread: `answer` is what a connection gets, None resets it. Gives its port and the requests."""
    loop, requests = asyncio.new_event_loop(), []

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(next(line for line in head.split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1])
        requests.append(head + await reader.readexactly(size))
        answer = answers[len(requests) % len(answers)]
        if answer:
            writer.write(answer)
            await writer.drain()
        writer.close()

    answers = [ANSWER]
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, backlog=512))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1], requests, answers
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()


def test_every_connection_of_a_burst_sends_one_whole_request(listening, target):
    port, requests, _ = listening
    found = burst(target(port), 40)
    assert (found.answered, found.late, len(requests)) == (40, 0, 40)
    assert all(
        request.startswith(b"POST /predict HTTP/1.1\r\n") and request.endswith(b'{"a": 1}') for request in requests
    )
    assert 0 < found.slowest_ms < 10_000


def test_connections_that_get_no_answer_or_an_error_count_as_late(listening, target):
    port, _, answers = listening
    answers += [None, b"HTTP/1.1 503 Service Unavailable\r\n\r\n", ANSWER]
    found = burst(target(port), 40)
    assert (found.answered, found.late) == (20, 20)


def test_where_nobody_listens_all_are_late(target):
    found = burst(target(free_port()), 3)
    assert (found.answered, found.late, found.slowest_ms) == (0, 3, 0)
