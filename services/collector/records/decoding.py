"""The body of `POST /v1/records`, from bytes to batches, so that one bad value costs one record.

The fast way decodes the whole body at once. It fails because of one number or one text somewhere in the body. Then the
slow way decodes what can be: MessagePack value by value, JSON with the standard library. That one lets NaN, 1e400 and
lone surrogates through to the checks, which name the field.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import msgspec

from pilothouse.errors import Fault
from pilothouse.wire.records import MSGPACK, Batch, NamedRecords
from services.collector.errors import MalformedError, UnsupportedError


class _Body(msgspec.Struct):
    """Either `batches`, or one model version's `records` by name."""

    batches: list[Batch] | None = None
    model: str | None = None
    version: str | None = None
    records: list[dict[str, Any]] | None = None


class _RawBatch(msgspec.Struct):
    model: str
    version: str
    columns: list[str]
    rows: list[list[msgspec.Raw]]


class _RawBody(msgspec.Struct):
    batches: list[_RawBatch]


class Undecodable:
    """Stands where a value was that could not even be read; every check refuses it by its type."""


_msgpack = msgspec.msgpack.Decoder(_Body)
_msgpack_raw = msgspec.msgpack.Decoder(_RawBody)
_msgpack_value = msgspec.msgpack.Decoder()
_json = msgspec.json.Decoder(_Body)


def decode(body: bytes, content_type: str) -> list[Batch]:
    """Batches of a body. Raises MalformedError when it is not one, UnsupportedError for another content type."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in (MSGPACK, "application/x-msgpack"):
        return _decode_msgpack(body)
    if kind == "application/json":
        return _decode_json(body)
    raise UnsupportedError(f"records come as {MSGPACK} or application/json, not as {kind or 'nothing'}")


def _decode_msgpack(body: bytes) -> list[Batch]:
    try:
        return _batches(_msgpack.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        raw = _msgpack_raw.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _refuse(error)
    return [Batch(b.model, b.version, b.columns, [[_value(v) for v in row] for row in b.rows]) for b in raw.batches]


def _value(raw: msgspec.Raw) -> Any:
    try:
        return _msgpack_value.decode(raw)
    except UnicodeDecodeError:
        return "\udcff"  # a text of stray bytes; the check of its column says so
    except (msgspec.MsgspecError, RecursionError):
        return Undecodable()


def _decode_json(body: bytes) -> list[Batch]:
    try:
        return _batches(_json.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _batches(msgspec.convert(decode_lenient(body), _Body))
    except ValueError as error:
        _refuse(error)


def decode_lenient(body: bytes) -> Any:
    """Any JSON, with NaN, 1e400 and lone surrogates in it for later checks to name. Raises MalformedError."""
    try:
        return json.loads(body.decode("utf-8", "surrogateescape"), parse_int=_parse_int)
    except (ValueError, RecursionError) as error:
        _refuse(error)


def _parse_int(digits: str) -> int:
    """Python refuses to read thousands of digits; any number beyond 64 bits is refused later all the same."""
    return int(digits) if len(digits) < 30 else 2**70


def _batches(body: _Body) -> list[Batch]:
    if body.batches is not None and body.records is None:
        return body.batches
    if body.records is not None and body.batches is None and body.model is not None and body.version is not None:
        return [NamedRecords(body.model, body.version, body.records).as_batch()]
    raise MalformedError(Fault("", "shape", "must have `batches`, or `model`, `version` and `records`"))


def _refuse(error: Exception) -> NoReturn:
    text = str(error)[:200].encode("ascii", "backslashreplace").decode()
    raise MalformedError(Fault("", "malformed", text or type(error).__name__)) from None
