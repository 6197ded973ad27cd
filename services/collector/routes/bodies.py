"""Bodies in and out: never larger than allowed, as they come in and after decompression; JSON decoded strictly."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import msgspec
import zstandard
from fastapi import HTTPException, Request, Response

from pilothouse.errors import Fault
from services.collector.components import Limits
from services.collector.errors import MalformedError, TooLargeError, UnsupportedError, printable

_INLINE_BYTES = 128 << 10  # smaller bodies are decompressed at once, larger ones in a thread
_SILENCE_SECONDS = 30.0  # between two pieces; a large file over a slow line may take longer than that as a whole


async def read_body(
    request: Request, limit: int, decoded_limit: int, silence_seconds: float = _SILENCE_SECONDS
) -> bytes:
    """The decompressed body. Raises TooLargeError; for its encoding, UnsupportedError or MalformedError; HTTPException
    (408) when the caller stops sending, ClientDisconnect when he hangs up."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise TooLargeError(f"the body has {declared} bytes; at most {limit}")
    try:
        body = await _receive(request, limit, silence_seconds)
    except TimeoutError:
        raise HTTPException(408, "The body did not arrive in time") from None
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return body
    if len(body) < _INLINE_BYTES:
        return decompress(body, encoding, decoded_limit)
    return await asyncio.to_thread(decompress, body, encoding, decoded_limit)


async def _receive(request: Request, limit: int, silence_seconds: float) -> bytes:
    """The body as it comes in. Raises TooLargeError, TimeoutError or ClientDisconnect."""
    now = asyncio.get_running_loop().time
    parts: list[bytes] = []
    size = 0
    async with asyncio.timeout(silence_seconds) as silence:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise TooLargeError(f"the body has more than {limit} bytes")
            parts.append(part)
            silence.reschedule(now() + silence_seconds)
    return b"".join(parts)


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """At most `limit` bytes are ever made of `body`, whatever it claims."""
    try:
        if encoding == "gzip":
            return _gunzip(body, limit)
        if encoding == "zstd":
            return _unzstd(body, limit)
    except (zlib.error, zstandard.ZstdError) as error:
        raise MalformedError(Fault("", "malformed", f"the body is not {encoding}: {error}")) from None
    raise UnsupportedError(f"content encoding {encoding[:40]!r}; bodies come plain, as gzip or as zstd")


def _gunzip(body: bytes, limit: int) -> bytes:
    decoder = zlib.decompressobj(wbits=31)
    plain = decoder.decompress(body, limit + 1)
    _check(len(plain), limit)
    if not decoder.eof or decoder.unused_data:
        raise zlib.error("cut short, or with bytes after its end")
    return plain


def _unzstd(body: bytes, limit: int) -> bytes:
    with zstandard.ZstdDecompressor(max_window_size=32 << 20).stream_reader(body, read_across_frames=True) as reader:
        plain = reader.read(limit + 1)
    _check(len(plain), limit)
    if not body or zstandard.frame_content_size(body) > len(plain):
        raise zstandard.ZstdError("cut short")
    return plain


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise TooLargeError(f"the decompressed body has more than {limit} bytes")


async def read_json(request: Request, limits: Limits) -> Any:
    """The decoded body. Raises MalformedError, UnsupportedError or TooLargeError."""
    kind = content_type(request)
    if kind not in ("application/json", ""):
        raise UnsupportedError(f"this is sent as application/json, not as {printable(kind, 60)}")
    return decode_json(await read_body(request, limits.body_bytes, limits.decoded_bytes))


async def read_object(request: Request, limits: Limits) -> dict[str, Any]:
    found = await read_json(request, limits)
    if not isinstance(found, dict):
        raise MalformedError(Fault("", "type", "the body must be a JSON object"))
    return found


def decode_json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(Fault("", "malformed", f"not JSON: {printable(str(error), 200)}")) from None


def content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def body_schema(*content_types: str, example: Any = None) -> dict[str, Any]:
    """What /docs says of a body that is read by hand."""
    content = {kind: {"schema": {"type": "object"}} for kind in content_types}
    if example is not None:
        content["application/json"] = {"schema": {}, "example": example}
    return {"requestBody": {"required": True, "content": content}}
