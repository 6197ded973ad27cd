"""Request bodies: read within a bound, and taken apart into image files."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache

from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from pilothouse.errors import Fault, InputError, TooLarge
from services.inference.errors import BodyTooLargeError, MediaTypeError

_FIELD = b"file"
_SHORT = 256  # characters of a header that is worth remembering


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int, timeout_seconds: float) -> bytes:
    """The whole body. Raises BodyTooLargeError as soon as that is known, ClientDisconnect, TimeoutError."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > limit:
        raise BodyTooLargeError(limit)
    async with asyncio.timeout(timeout_seconds):
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            return message.get("body") or b""
        parts, size = [], 0
        while True:
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise BodyTooLargeError(limit)
            if not message.get("more_body"):
                return b"".join(parts)
            message = await receive()


def image_files(content_type: str, body: bytes, max_files: int) -> tuple[list[bytes], bool]:
    """The image files of a body, and whether there may be many: multipart `file` parts, or the body itself.

    Raises MediaTypeError, InputError, TooLarge.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        files = _multipart(content_type, body)
        if len(files) > max_files:
            raise TooLarge([Fault("file", "too_many", f"{len(files)} files are over the limit of {max_files}")])
        return files, len(files) > 1
    if kind.startswith("image/") or kind in ("", "application/octet-stream", "application/x-www-form-urlencoded"):
        return [body], False
    raise MediaTypeError(f"this model takes images: multipart/form-data or image/*, not {kind!r}")


@lru_cache(maxsize=64)
def require_json(content_type: str) -> None:
    """Raises MediaTypeError unless the body is JSON (or does not say what it is, as curl -d does not)."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("", "application/json", "application/x-www-form-urlencoded") and not kind.endswith("+json"):
        raise MediaTypeError(f"this model takes features as application/json, not {kind!r}")


def _multipart(content_type: str, body: bytes) -> list[bytes]:
    """The contents of the parts named `file` (RFC 7578). Cut at the boundary, which no part may hold (RFC 2046): a
    parser that looks at each byte in Python took ten times as long."""
    boundary = _options(content_type).get(b"boundary")
    if not boundary:
        raise _not_multipart("the content type names no multipart boundary")
    before, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if before or not parts or not parts.pop().startswith(b"--"):
        raise _not_multipart("the body is not multipart/form-data: it does not begin and end with its boundary")
    files = [content for name, content in map(_part, parts) if name == _FIELD]
    if not files:
        raise InputError([Fault("file", "missing", "send at least one part named `file`")])
    return files


def _part(part: bytes) -> tuple[bytes | None, bytes]:
    """The name and the content of what stands between two boundaries."""
    head, end, content = part.partition(b"\r\n\r\n")
    line_end, *headers = head.split(b"\r\n")
    if line_end.strip(b" \t") or not end:
        raise _not_multipart("the body is not multipart/form-data: a part has no headers")
    for header in headers:
        name, _, value = header.partition(b":")
        if name.strip().lower() == b"content-disposition":
            return _options(value.strip()).get(b"name"), content
    return None, content


def _options(header: str | bytes) -> Mapping[bytes, bytes]:
    """What follows the semicolons of a header."""
    return _known_options(header) if len(header) < _SHORT else parse_options_header(header)[1]


@lru_cache(maxsize=256)
def _known_options(header: str | bytes) -> Mapping[bytes, bytes]:
    """Remembered, because the forms of one caller are much alike."""
    return parse_options_header(header)[1]


def _not_multipart(why: str) -> InputError:
    return InputError([Fault("", "not_multipart", why)])
