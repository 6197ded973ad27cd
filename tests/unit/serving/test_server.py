"""The server on a real socket: what it takes, what it refuses, in which order it answers, and how it ends. Both ways
in are tried: ASGI, and RSGI with the ASGI app behind it."""

import asyncio
import re
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from pilothouse.serving.asgi import RsgiToAsgi
from testkit.serving import Serving, serving

LARGE = b"x" * 4_000_000


async def app(scope, receive, send):
    path = scope["path"]
    if path == "/early":
        await reply(send, b"early", 413)
        return
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            app.left.append(body)
            return
        body += message.get("body", b"")
        if not message["more_body"]:
            break
    if path == "/late":
        await asyncio.sleep(0.4)
    if path == "/never":
        await asyncio.sleep(60)
    if path == "/raises":
        raise RuntimeError("a bug")
    if path == "/scope":
        body = repr({k: v for k, v in scope.items() if k not in ("state", "extensions", "asgi")}).encode()
    await reply(send, LARGE if path == "/large" else path[1:].encode() + b" " + body)


async def reply(send, body, status=200):
    headers = [(b"content-length", b"%d" % len(body)), (b"x-more", b"1"), (b"x-more", b"2")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body[:2], "more_body": True})
    await send({"type": "http.response.body", "body": body[2:]})


app.left = []


class Rsgi(RsgiToAsgi):
    """As a service that answers some requests itself; this one answers none."""

    async def __rsgi__(self, scope, protocol):
        await self.answer(scope, protocol)


class WithHandler:
    def __init__(self):
        self.state = SimpleNamespace(handler=Rsgi(app))
        self.router = SimpleNamespace(lifespan_context=lambda _: self)

    async def __aenter__(self):
        pass

    async def __aexit__(self, *_):
        pass


SETTINGS = {"head_timeout_seconds": 1, "max_head_bytes": 8_192, "stop_seconds": 2}


def make(way):
    return Serving(app if way == "asgi" else WithHandler(), **SETTINGS)


@pytest.fixture(params=["asgi", "rsgi"])
def way(request):
    return request.param


@pytest.fixture
def port(way):
    server = make(way)
    yield server.port
    assert server.stop()


class Connection:
    def __init__(self, port, data=b""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.received = b""
        self.send(data)

    def send(self, data):
        self.socket.sendall(data)
        return self

    def until(self, wanted):
        """What was received, when `wanted` is in it."""
        while wanted not in self.received:
            more = self.socket.recv(65_536)
            assert more, self.received[-300:]
            self.received += more
        return self.received

    def to_the_end(self):
        while more := self.socket.recv(65_536):
            self.received += more
        return self.received

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def post(path, body=b"", more=b""):
    return b"POST %b HTTP/1.1\r\nhost: x\r\n%bcontent-length: %d\r\n\r\n%b" % (path, more, len(body), body)


def test_an_answer_comes_with_its_headers_and_all_of_its_body(port):
    with Connection(port, post(b"/echo", b"one")) as connection:
        head = connection.until(b"\r\n\r\necho one")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.count(b"x-more: ") == 2


def test_what_the_app_is_told_of_a_request(port):
    with Connection(port, post(b"/scope?q=1&a=%20", b"", b"X-Upper: Value\r\n")) as connection:
        told = connection.until(b"'headers'").decode()
        me = connection.socket.getsockname()[1]
        told = connection.until(b"'client'").decode()
    for part in ("'method': 'POST'", "'scheme': 'http'", "'http_version': '1.1'", "'root_path': ''",
                 "'query_string': b'q=1&a=%20'", "(b'x-upper', b'Value')"):  # fmt: skip
        assert part in told, told
    assert re.search(rf"'client': \('127\.0\.0\.1', '?{me}", told), told


def test_a_body_in_pieces_arrives_whole(port):
    request = post(b"/echo", b"one two")
    with Connection(port, request[:-3]) as connection:
        time.sleep(0.2)
        assert b"echo one two" in connection.send(request[-3:]).until(b"echo one two")


def test_a_chunked_body_arrives_whole(port):
    head = b"POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    with Connection(port, head + b"3\r\nabc\r\n") as connection:
        time.sleep(0.1)
        connection.send(b"2\r\nde\r\n0\r\n\r\n").until(b"echo abcde")


def test_a_connection_is_used_again(port):
    with Connection(port) as connection:
        for digit in (b"1", b"2", b"3"):
            connection.send(post(b"/echo", digit)).until(b"echo " + digit)


def test_requests_sent_ahead_are_answered_in_their_order(port):
    requests = post(b"/late", b"1") + post(b"/echo", b"2") + post(b"/late", b"3") + post(b"/echo", b"4")
    with Connection(port, requests) as connection:
        received = connection.until(b"echo 4")
    places = [received.index(text) for text in (b"late 1", b"echo 2", b"late 3", b"echo 4")]
    assert places == sorted(places)


@pytest.mark.parametrize("how", ["close", "1.0"])
def test_the_last_answer_of_a_connection_ends_it(port, how):
    request = post(b"/echo", b"1", b"connection: close\r\n" if how == "close" else b"")
    with Connection(port, request.replace(b"HTTP/1.1", b"HTTP/1.0") if how == "1.0" else request) as connection:
        assert b"echo 1" in connection.to_the_end()


def test_a_client_that_waits_for_leave_to_go_on_gets_it(port):
    with Connection(port, post(b"/echo", b"", b"expect: 100-continue\r\n").replace(b": 0", b": 1")) as connection:
        connection.until(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.send(b"7").until(b"echo 7")


def test_an_upgrade_that_we_do_not_know_keeps_its_body(port):
    more = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
    with Connection(port, post(b"/echo", b"all of it", more)) as connection:
        assert connection.until(b"echo all of it").startswith(b"HTTP/1.1 200 ")


def test_the_answer_to_head_has_no_body(port):
    with Connection(port, b"HEAD /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") as connection:
        assert connection.to_the_end().endswith(b"\r\n\r\n")


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


def test_an_app_that_raises_is_an_error_and_the_server_goes_on(port):
    with Connection(port, post(b"/raises", b"1")) as connection:
        connection.until(b"HTTP/1.1 500 ")
    with Connection(port, post(b"/echo", b"2")) as connection:
        connection.until(b"echo 2")


def test_a_caller_who_leaves_in_the_middle_of_his_body_is_told_of(port):
    app.left.clear()
    with Connection(port, post(b"/echo", b"not all")[:-1]):
        time.sleep(0.2)
    deadline = time.monotonic() + 10
    while not app.left:
        assert time.monotonic() < deadline
        time.sleep(0.02)


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
