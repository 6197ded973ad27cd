"""Bodies are decompressed under a limit, and broken ones are said to be broken."""

import asyncio
import gzip
import zlib

import pytest
import zstandard
from fastapi import HTTPException, Request
from hypothesis import given
from hypothesis import strategies as st

from services.collector.errors import MalformedError, TooLargeError, UnsupportedError
from services.collector.routes.bodies import decompress, read_body

PACK = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


@pytest.mark.parametrize("encoding", PACK)
@given(body=st.binary(max_size=500))
def test_what_was_compressed_comes_out(encoding, body):
    assert decompress(PACK[encoding](body), encoding, 500) == body


@pytest.mark.parametrize("encoding", PACK)
def test_one_byte_over_the_limit_is_too_much(encoding):
    with pytest.raises(TooLargeError):
        decompress(PACK[encoding](bytes(1001)), encoding, 1000)


@pytest.mark.parametrize("encoding", PACK)
@pytest.mark.parametrize("break_it", [lambda b: b[:-3], lambda b: b"", lambda b: b"no" + b])
def test_what_is_cut_is_refused(encoding, break_it):
    with pytest.raises(MalformedError):
        decompress(break_it(PACK[encoding](b"abc" * 100)), encoding, 1000)


def test_more_after_the_end_of_gzip_is_refused_and_of_zstd_is_taken():
    with pytest.raises(MalformedError):
        decompress(gzip.compress(b"abc") * 2, "gzip", 1000)
    assert decompress(PACK["zstd"](b"abc") * 2, "zstd", 1000) == b"abcabc"


def test_zstd_without_its_size_is_taken_too():
    stream = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    assert decompress(stream.compress(b"abc") + stream.flush(), "zstd", 10) == b"abc"


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "\x7f"])
def test_another_encoding_is_not_spoken(encoding):
    with pytest.raises(UnsupportedError):
        decompress(zlib.compress(b"abc"), encoding, 10)


def request_of(*parts, pause=0.0):
    """A request whose body comes in these parts, more being promised for ever."""
    queue = list(parts)

    async def receive():
        await asyncio.sleep(pause)
        if not queue:
            await asyncio.Event().wait()
        body = queue.pop(0)
        return {"type": "http.request", "body": body, "more_body": body != b"end"}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


@pytest.mark.parametrize("parts", [(), (b"a", b"b")])
async def test_a_caller_that_falls_silent_is_not_waited_for_for_ever(parts):
    with pytest.raises(HTTPException) as refusal:
        await asyncio.wait_for(read_body(request_of(*parts), 100, 100, 0.05), 5)
    assert refusal.value.status_code == 408


async def test_a_slow_caller_that_goes_on_sending_is_waited_for():
    parts = [b"a"] * 8 + [b"end"]
    assert await read_body(request_of(*parts, pause=0.05), 100, 100, 0.2) == b"aaaaaaaaend"
