"""Request bodies: read within a bound, and taken apart into image files."""

from __future__ import annotations

import asyncio
from email.message import Message as Headers

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from pilothouse.errors import Fault, InputError, TooLarge
from services.inference.errors import BodyTooLargeError, MediaTypeError

_FIELD = b"file"


async def read_body(scope: Scope, receive: Receive, limit: int, timeout_seconds: float) -> bytes:
    """The whole body. Raises BodyTooLargeError as soon as that is known, ClientDisconnect, TimeoutError."""
    length = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
    if length.isdigit() and int(length) > limit:
        raise BodyTooLargeError(limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return bytes(message.get("body", b""))
    async with asyncio.timeout(timeout_seconds):
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


def require_json(content_type: str) -> None:
    """Raises MediaTypeError unless the body is JSON (or does not say what it is, as curl -d does not)."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("", "application/json", "application/x-www-form-urlencoded") and not kind.endswith("+json"):
        raise MediaTypeError(f"this model takes features as application/json, not {kind!r}")


def _multipart(content_type: str, body: bytes) -> list[bytes]:
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise InputError([Fault("", "not_multipart", "the content type names no multipart boundary")])
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]  # a TypedDict made of methods
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise InputError([Fault("", "not_multipart", f"the body is not multipart/form-data: {error}")]) from error
    if not parts.files:
        raise InputError([Fault("file", "missing", "send at least one part named `file`")])
    return parts.files


class _Parts:
    """Collects the parts named `file`."""

    def __init__(self) -> None:
        self.files: list[bytes] = []
        self._name, self._value = bytearray(), bytearray()
        self._headers = Headers()
        self._data: list[bytes] = []

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_part_data": lambda data, start, end: self._data.append(data[start:end]),
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._headers, self._data = Headers(), []

    def _header(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name.clear()
        self._value.clear()

    def _end(self) -> None:
        options = parse_options_header(self._headers.get("content-disposition", ""))[1]
        if options.get(b"name") == _FIELD:
            self.files.append(b"".join(self._data))
