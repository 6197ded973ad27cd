"""The joining protocol, on a real socket, read as the bytes come."""

import asyncio
import threading
import time

import pytest
import uvicorn

from pilothouse.serving.protocol import make_protocol

BODY = b"hello"
HEADERS = [(b"content-length", b"5")]


async def app(scope, receive, send):
    assert scope["type"] == "http"
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    await send({"type": "http.response.body", "body": BODY})


@pytest.fixture(scope="module")
def port():
    config = uvicorn.Config(app, port=0, http=make_protocol(), lifespan="off", log_config=None, loop="asyncio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(20)


class Connection:
    """Sends a request; `read` is what one system call brings."""

    async def open(self, port, request):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        self._writer.write(request)
        return self

    async def read(self):
        return await asyncio.wait_for(self._reader.read(65_536), 20)

    async def close(self):
        self._writer.close()
        await self._writer.wait_closed()


async def first_bytes(port, request):
    connection = await Connection().open(port, request)
    try:
        return await connection.read()
    finally:
        await connection.close()


async def test_head_and_body_come_in_one_piece(port):
    answer = await first_bytes(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nhello")


async def test_the_head_of_an_answer_that_takes_its_time_is_not_held_back(port):
    connection = await Connection().open(port, b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await connection.read()).endswith(b"\r\n\r\n")
    assert await connection.read() == b"hello"
    await connection.close()


async def test_an_answer_without_a_body_is_sent(port):
    assert (await first_bytes(port, b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")).endswith(b"\r\n\r\n")


async def test_a_client_that_waits_for_leave_to_go_on_gets_it(port):
    request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\nexpect: 100-continue\r\n\r\n"
    connection = await Connection().open(port, request)
    assert await connection.read() == b"HTTP/1.1 100 Continue\r\n\r\n"
    await connection.close()


async def test_an_answer_after_which_the_connection_ends_arrives_whole(port):
    connection = await Connection().open(port, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    received = await connection.read()
    assert received.endswith(b"hello")
    assert await connection.read() == b""
    await connection.close()


async def test_requests_sent_ahead_are_answered_in_order(port):
    connection = await Connection().open(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 3)
    received = b""
    while received.count(b"hello") < 3:
        received += await connection.read()
    assert received.count(b"HTTP/1.1 200 OK") == 3
    await connection.close()
