"""JSON in and out of the plain routes: bodies read under a limit and decoded strictly, answers by msgspec."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Request, Response

from pilothouse.errors import Fault
from services.collector.body import read_body
from services.collector.checks import printable
from services.collector.errors import MalformedError, UnsupportedError
from services.collector.parts import Limits


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
