"""Requests that arrive whole and are answered past ASGI, on a real socket."""

import asyncio
import gc
import threading
import time

import pytest
import uvicorn
from uvicorn.server import ServerState

from pilothouse.serving.known_heads import KnownHeads
from pilothouse.serving.protocol import make_protocol
from tests.unit.serving.test_protocol import Connection

LARGE = b"x" * 8_000_000


class Shortcut:
    """Takes /short, answering with what was sent; /late after a while; /large with much; /never; /raises. Remembers its
    replies, and the paths of the heads that were parsed for it."""

    def __init__(self):
        self.sent, self.parsed = [], []

    def wants(self, head):
        self.parsed.append(head["path"])
        return head["path"] if head["path"] not in ("/app", "/early", "/slow") else None

    def answer(self, wanted, body, reply):
        loop = asyncio.get_running_loop()
        if wanted == "/late":
            loop.call_later(0.4, lambda: self._reply(reply, b"late " + body))
        elif wanted == "/raises":
            raise RuntimeError("a bug")
        elif wanted != "/never":
            self._reply(reply, LARGE if wanted == "/large" else b"short " + body)
        return lambda: self._reply(reply, b"given up")

    def _reply(self, reply, body):
        self.sent.append(reply(200, body, "text/plain", [(b"x-more", b"1")]))


async def app(scope, receive, send):
    body = b""
    if scope["path"] == "/early":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"early"})
        return
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if scope["path"] == "/slow":
        await asyncio.sleep(1.5)  # longer than a connection may be idle
    answer = (b"slow " if scope["path"] == "/slow" else b"app ") + body
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})


class Running:
    """A server in a thread."""

    def __init__(self):
        self.shortcut = Shortcut()
        protocol = make_protocol(self.shortcut)
        config = uvicorn.Config(
            app, port=0, http=protocol, lifespan="off", log_config=None, loop="asyncio", timeout_keep_alive=1,
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + 30
        while not self.server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def stop(self):
        self.server.should_exit = True
        self.thread.join(20)
        return not self.thread.is_alive()


@pytest.fixture
def running():
    server = Running()
    yield server
    assert server.stop()


def post(path, body=b"", more=b""):
    return b"POST %b HTTP/1.1\r\nhost: x\r\n%bcontent-length: %d\r\n\r\n%b" % (path, more, len(body), body)


async def until(connection, wanted):
    received = b""
    while received.count(wanted) < 1:
        more = await connection.read()
        assert more, received[-200:]
        received += more
    return received


async def test_a_request_that_has_arrived_whole_takes_the_shortcut(running):
    connection = await Connection().open(running.port, post(b"/short", b"one"))
    answer = await until(connection, b"short one")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (body, head.split(b"\r\n")[0]) == (b"short one", b"HTTP/1.1 200 OK")
    assert {b"content-type: text/plain", b"content-length: 9", b"x-more: 1"} <= set(head.split(b"\r\n"))
    assert b"\r\ndate: " in head
    await connection.close()


async def test_what_the_shortcut_does_not_take_goes_to_the_app(running):
    connection = await Connection().open(running.port, post(b"/app", b"one"))
    assert b"app one" in await until(connection, b"app one")
    await connection.close()


async def test_a_body_that_comes_later_is_read_by_the_app(running):
    request = post(b"/short", b"one two")
    connection = await Connection().open(running.port, request[:-3])
    await asyncio.sleep(0.2)
    connection._writer.write(request[-3:])
    assert b"app one two" in await until(connection, b"app one two")
    assert running.shortcut.sent == []
    await connection.close()


async def test_a_connection_is_used_again_after_it(running):
    connection = await Connection().open(running.port, post(b"/short", b"1"))
    assert b"short 1" in await until(connection, b"short 1")
    connection._writer.write(post(b"/app", b"2"))
    assert b"app 2" in await until(connection, b"app 2")
    connection._writer.write(post(b"/short", b"3"))
    assert b"short 3" in await until(connection, b"short 3")
    await connection.close()


async def test_requests_sent_ahead_are_answered_in_their_order(running):
    requests = post(b"/late", b"1") + post(b"/short", b"2") + post(b"/app", b"3") + post(b"/late", b"4")
    connection = await Connection().open(running.port, requests)
    received = await until(connection, b"app 4")  # what waited in line has no shortcut any more
    places = [received.index(text) for text in (b"late 1", b"app 2", b"app 3", b"app 4")]
    assert places == sorted(places)
    await connection.close()


@pytest.mark.parametrize("how", ["close", "1.0"])
async def test_the_last_answer_of_a_connection_ends_it(running, how):
    request = post(b"/short", b"1", b"connection: close\r\n" if how == "close" else b"")
    request = request.replace(b"HTTP/1.1", b"HTTP/1.0") if how == "1.0" else request
    connection = await Connection().open(running.port, request)
    received = b""
    while more := await connection.read():
        received += more
    assert received.endswith(b"short 1")
    assert b"connection: close\r\n" in received
    await connection.close()


async def test_a_caller_that_went_away_is_told_of(running):
    connection = await Connection().open(running.port, post(b"/late", b"1"))
    await asyncio.sleep(0.1)
    await connection.close()
    deadline = time.monotonic() + 10
    while not running.shortcut.sent:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert running.shortcut.sent == [False]


async def test_a_connection_that_is_idle_ends_and_one_that_is_not_stays(running):
    idle = await Connection().open(running.port, post(b"/short", b"1"))
    busy = await Connection().open(running.port, post(b"/short", b"1"))
    await until(idle, b"short 1")
    begun = time.monotonic()
    for _ in range(5):
        await until(busy, b"short 1")
        await asyncio.sleep(0.3)
        busy._writer.write(post(b"/short", b"1"))
    assert await idle.read() == b""
    assert time.monotonic() - begun < 10
    await until(busy, b"short 1")
    await idle.close()
    await busy.close()


async def test_an_answer_that_takes_longer_than_the_idle_time_is_not_cut_off(running, monkeypatch):
    monkeypatch.setattr(running.server.config, "timeout_keep_alive", 0.1)
    connection = await Connection().open(running.port, post(b"/short", b"1"))
    assert b"short 1" in await until(connection, b"short 1")
    connection._writer.write(post(b"/late", b"2"))
    assert b"late 2" in await until(connection, b"late 2")
    await connection.close()


async def test_a_caller_who_reads_slowly_gets_everything(running):
    connection = await Connection().open(running.port, post(b"/large") * 3 + post(b"/short", b"end"))
    await asyncio.sleep(0.5)
    received = await until(connection, b"app end")
    # the second finds the first unread, and waits for the app, which waits for the caller
    assert received.count(b"x" * 1000) * 1000 == len(LARGE)
    assert received.count(b"HTTP/1.1 200 OK") == 4
    await connection.close()


async def test_stopping_waits_for_an_answer_that_is_under_way():
    server = Running()
    connection = await Connection().open(server.port, post(b"/late", b"1"))
    await asyncio.sleep(0.1)
    server.server.should_exit = True
    received = await until(connection, b"late 1")
    assert b"connection: close\r\n" in received
    assert await asyncio.to_thread(server.stop)
    await connection.close()


async def test_a_request_behind_one_that_was_answered_at_once_may_take_its_time(running):
    """The first sets the connection's idle time going, and the second, in the same data, ends it."""
    connection = await Connection().open(running.port, post(b"/short", b"1") + post(b"/app", b"23")[:-1])
    assert b"short 1" in await until(connection, b"short 1")
    await asyncio.sleep(1.5)
    connection._writer.write(b"3")
    assert b"app 23" in await until(connection, b"app 23")
    await connection.close()


async def test_empty_lines_after_an_answer_do_not_keep_a_connection(running):
    connection = await Connection().open(running.port, post(b"/short", b"1"))
    assert b"short 1" in await until(connection, b"short 1")
    connection._writer.write(b"\r\n")
    assert await connection.read() == b""
    await connection.close()


async def test_a_shortcut_that_raises_is_our_error_and_the_connection_goes_on(running, capsys):
    connection = await Connection().open(running.port, post(b"/raises", b"1"))
    assert b" 500 " in await until(connection, b"Internal server error")
    connection._writer.write(post(b"/short", b"2"))
    assert b"short 2" in await until(connection, b"short 2")
    await connection.close()
    assert "RuntimeError: a bug" in capsys.readouterr().out


async def test_a_caller_who_leaves_behind_a_large_body_is_told_of(running):
    connection = await Connection().open(running.port, b"")
    connection._writer.write(post(b"/late", b"x" * 100_000))
    await connection._writer.drain()
    await asyncio.sleep(0.2)
    if running.shortcut.sent:
        pytest.skip("the answer was there before the caller could leave")
    connection._writer.transport.abort()
    deadline = time.monotonic() + 10
    while not running.shortcut.sent:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert running.shortcut.sent == [False]


async def test_what_has_no_answer_when_the_time_for_stopping_is_over_is_given_up():
    server = Running()
    connection = await Connection().open(server.port, post(b"/never", b"1"))
    await asyncio.sleep(0.1)
    assert await asyncio.to_thread(server.stop)
    assert (await connection.read()).endswith(b"given up")
    await connection.close()


async def test_a_caller_who_never_reads_is_not_read_for_ever(running):
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    reader._transport.pause_reading()
    request, sent = post(b"/large") * 1000, 0
    try:
        async with asyncio.timeout(3):
            while True:
                writer.write(request)
                await writer.drain()
                sent += len(request)
    except TimeoutError:
        pass
    assert sent < 20_000_000  # what the sockets hold, and one piece of data
    writer.transport.abort()


async def ask(connection, request, wanted):
    connection._writer.write(request)
    return await until(connection, wanted)


async def test_a_head_that_comes_again_is_not_parsed_again(running):
    one = await Connection().open(running.port, post(b"/short", b"1"))
    await until(one, b"short 1")
    two = await Connection().open(running.port, post(b"/short", b"2"))
    await until(two, b"short 2")  # the first of a connection is parsed
    for digit in b"3456789":
        for connection in (one, two):
            answer = await ask(connection, post(b"/short", bytes([digit])), b"short " + bytes([digit]))
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"content-length: 7\r\n" in answer
    assert running.shortcut.parsed == ["/short"] * 2
    await one.close()
    await two.close()


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (post(b"/short", b"22"), b"short 22"),
        (post(b"/app", b"2"), b"app 2"),
        (post(b"/short", b"2", b"x: y\r\n"), b"short 2"),
        (post(b"/short", b"2").replace(b"POST", b"PUT"), b"short 2"),
    ],
)
async def test_a_head_that_differs_is_parsed(running, request_, wanted):
    connection = await Connection().open(running.port, post(b"/short", b"1"))
    await until(connection, b"short 1")
    await ask(connection, request_, wanted)
    assert len(running.shortcut.parsed) == 2
    await connection.close()


async def test_a_known_head_whose_body_comes_later_is_read_by_the_app(running):
    connection = await Connection().open(running.port, post(b"/short", b"123"))
    await until(connection, b"short 123")
    connection._writer.write(post(b"/short", b"456")[:-1])
    await asyncio.sleep(0.2)
    assert b"app 456" in await ask(connection, b"6", b"app 456")
    await ask(connection, post(b"/short", b"789"), b"short 789")
    await connection.close()


async def test_what_follows_a_known_head_and_its_body_waits_for_its_turn(running):
    connection = await Connection().open(running.port, post(b"/late", b"1"))
    await until(connection, b"late 1")
    connection._writer.write(post(b"/late", b"2") + post(b"/short", b"3"))
    received = await until(connection, b"app 3")
    assert received.index(b"late 2") < received.index(b"app 3")
    await connection.close()


async def test_a_known_head_sent_ahead_of_an_answer_waits_in_line(running):
    connection = await Connection().open(running.port, post(b"/short", b"1"))
    await until(connection, b"short 1")
    await ask(connection, post(b"/late", b"2"), b"late 2")
    connection._writer.write(post(b"/late", b"3"))
    await asyncio.sleep(0.1)
    connection._writer.write(post(b"/short", b"4"))
    received = await until(connection, b"4")
    assert received.index(b"late 3") < received.index(b"app 4")
    await connection.close()


@pytest.mark.parametrize("more", [b"connection: close\r\n", b"expect: 100-continue\r\n", b"TraceParent: 00-1\r\n"])
async def test_what_is_no_plain_request_is_not_remembered(running, more):
    for _ in range(2):
        for _ in range(2):
            connection = await Connection().open(running.port, post(b"/short", b"1"))
            await until(connection, b"short 1")
            await ask(connection, post(b"/short", b"2", more), b"short 2")
            await connection.close()
    # the plain one is the first of each connection
    assert running.shortcut.parsed == ["/short"] * 8


async def test_a_body_that_looks_like_a_known_request_is_a_body(running):
    """An app that answers before it has read everything leaves the rest of the body to come, whatever is in it."""
    connection = await Connection().open(running.port, post(b"/short", b"1"))
    await until(connection, b"short 1")
    smuggled = post(b"/short", b"2")
    head = post(b"/early", b"x" * len(smuggled))[: -len(smuggled)]
    await ask(connection, head, b"early")
    connection._writer.write(smuggled)
    await asyncio.sleep(0.2)
    await ask(connection, post(b"/app", b"3"), b"app 3")
    assert len(running.shortcut.sent) == 1
    await connection.close()


async def test_requests_that_came_in_one_piece_are_not_taken_for_each_other(running):
    connection = await Connection().open(running.port, post(b"/short", b"1") + post(b"/late", b"2"))
    await until(connection, b"late 2")
    for path, digit in ((b"/short", b"3"), (b"/late", b"4"), (b"/short", b"5")):
        wanted = path[1:] + b" " + digit
        assert wanted in await ask(connection, post(path, digit), wanted)
    await connection.close()


@pytest.mark.parametrize("path", [b"/late", b"/slow"])
async def test_a_request_that_began_before_the_last_answer_is_answered_before_the_next(running, path):
    connection = await Connection().open(running.port, post(b"/short", b"1"))
    await until(connection, b"short 1")
    second = post(path, b"2")
    connection._writer.write(post(b"/late", b"1") + second[:7])  # the answer comes when the second has begun
    await until(connection, b"late 1")
    connection._writer.write(second[7:])
    await asyncio.sleep(0.1)
    connection._writer.write(post(b"/short", b"3"))
    received = await until(connection, b" 3")
    assert received.index(path[1:] + b" 2") < received.index(b"app 3")
    await connection.close()


async def test_a_request_that_began_before_the_last_answer_may_take_its_time(running):
    connection = await Connection().open(running.port, post(b"/late", b"1") + post(b"/slow", b"2")[:7])
    await until(connection, b"late 1")
    connection._writer.write(post(b"/slow", b"2")[7:])
    assert b"slow 2" in await until(connection, b"slow 2")
    await connection.close()


async def test_the_beginning_of_a_head_is_no_head(running):
    """Heads without a body are learned that are how another request begins, wherever it is cut."""
    request = b"POST /short HTTP/1.1\r\nhost: x\r\nx-long: abc\r\ncontent-length: 3\r\n\r\n123"
    first = request.index(b"\r\n")
    for cut in range(first, request.index(b"content-length")):
        learner = await Connection().open(running.port, request[:cut].rstrip() + b"\r\n\r\n")
        await learner.read()
        await learner.close()
        connection = await Connection().open(running.port, post(b"/short", b"0"))
        await until(connection, b"short 0")
        connection._writer.write(request[:cut])
        await asyncio.sleep(0.02)
        answer = await ask(connection, request[cut:], b" 123")
        assert answer.count(b"HTTP/1.1 ") == 1, cut
        await connection.close()


async def test_few_heads_are_remembered():
    known = KnownHeads()
    for number in range(3 * known.MOST):
        data = post(b"/%d" % number, b"1")
        known.learn(data, b"1", number)
        assert known.find(data) == (number, b"1")
    assert len(known._known) <= known.MOST
    long = post(b"/" + b"x" * known.LONGEST, b"1")
    known.learn(long, b"1", 0)
    assert known.find(long) is None


class Wire:
    """As much of a transport as the protocol uses of one that takes everything at once."""

    def __init__(self):
        self.written = b""

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def write(self, data):
        self.written += data

    def is_closing(self):
        return False

    def pause_reading(self):
        raise AssertionError("nothing is in line")

    resume_reading = set_protocol = close = pause_reading


async def test_a_request_leaves_nothing_to_the_garbage_collector():
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    config.load()
    wire = Wire()
    protocol = make_protocol(Shortcut())(config, ServerState(), {})
    protocol.connection_made(wire)
    gc.collect()
    gc.disable()
    try:
        for _ in range(500):
            protocol.data_received(post(b"/short", b"1"))
        assert wire.written.count(b"short 1") == 500
        assert gc.collect() < 250  # other threads leave some
    finally:
        gc.enable()
    protocol.connection_lost(ConnectionResetError())


async def test_a_connection_that_has_ended_leaves_nothing_to_the_garbage_collector():
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    config.load()
    make = make_protocol(Shortcut())
    gc.collect()
    gc.disable()
    try:
        for _ in range(500):
            protocol = make(config, ServerState(), {})
            protocol.connection_made(Wire())
            protocol.data_received(post(b"/short", b"1"))
            protocol.connection_lost(ConnectionResetError())
        assert gc.collect() < 250  # other threads leave some
    finally:
        gc.enable()
