"""Bodies, read within bounds from what a server hands out."""

import asyncio

import pytest
from granian.rsgi import ProtocolClosed

from pilothouse.serving.observe import RequestTarget
from services.inference.errors import BodyTooLargeError
from services.inference.request import Patience, PredictRequest, drop_body, read_body


class Sender:
    """A caller's body as RSGI hands it out: whole, or in pieces. It waits for ever where a piece is None."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)

    async def __call__(self):
        return b"".join([piece async for piece in self])

    async def __aiter__(self):
        while self.pieces:
            piece = self.pieces.pop(0)
            if piece is None:
                await asyncio.Event().wait()
            if isinstance(piece, Exception):
                raise piece
            yield piece


def request(**headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return PredictRequest(RequestTarget("POST", "/predict", "/predict"), None, None, False, headers, "", None)


CHUNKED = request(transfer_encoding="chunked")


async def test_a_body_of_a_known_length_is_read_whole():
    assert await read_body(request(content_length="7"), Sender(b"one ", b"two"), 100) == b"one two"


async def test_a_body_in_pieces_is_joined():
    assert await read_body(CHUNKED, Sender(b"one ", b"two"), 100) == b"one two"


async def test_without_a_length_there_is_no_body():
    assert await read_body(request(), Sender(None), 100) == b""


async def test_a_body_that_says_it_is_too_large_is_not_read():
    with pytest.raises(BodyTooLargeError, match="10 bytes"):
        await read_body(request(content_length="11"), Sender(None), 10)


async def test_a_body_that_turns_out_too_large_is_not_read_on():
    with pytest.raises(BodyTooLargeError):
        await read_body(CHUNKED, Sender(b"123456", b"123456", None), 10)


async def test_a_caller_that_goes_away_is_noticed():
    with pytest.raises(ProtocolClosed):
        await read_body(request(content_length="2"), Sender(b"1", ProtocolClosed("closed")), 10)


async def wait(patience, seconds):
    task = asyncio.current_task()
    patience.begin(task)
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        return patience.is_over(task)
    finally:
        patience.end(task)


async def test_who_waits_too_long_is_ended_and_nobody_else():
    patience = Patience(0.1)
    tasks = [asyncio.create_task(wait(patience, seconds)) for seconds in (10, 0.01, 10)]
    await asyncio.sleep(0.05)
    later = asyncio.create_task(wait(patience, 10))
    async with asyncio.timeout(5):
        assert await asyncio.gather(*tasks, later) == [True, None, True, True]


async def test_a_task_that_is_ended_for_another_reason_was_not_impatient():
    patience = Patience(10)
    task = asyncio.create_task(wait(patience, 20))
    await asyncio.sleep(0)
    task.cancel()
    assert await task is False


async def test_what_is_left_of_a_body_is_read_and_dropped():
    sender = Sender(b"1", b"2")
    await drop_body(request(content_length="2"), sender)
    assert sender.pieces == []


@pytest.mark.parametrize("headers", [{}, {"content_length": "2", "expect": "100-continue"}])
async def test_a_body_that_was_not_asked_for_is_not_read(headers):
    sender = Sender(b"1", b"2")
    await drop_body(request(**headers), sender)
    assert len(sender.pieces) == 2


async def test_a_caller_who_leaves_while_the_rest_is_dropped_is_no_failure():
    await drop_body(request(content_length="2"), Sender(ProtocolClosed("closed")))
