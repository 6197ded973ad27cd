"""A CloudEvent 1.0 over HTTP: its attributes in headers (binary mode, as KServe's logger sends it) or all in JSON.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
KServe (pkg/logger/worker.go) gives a request and its response the same `id`, and `inferenceservicename`, `namespace`,
`component` and `endpoint` as extensions. The content type is the one of the caller's request, on both: it says nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from pilothouse.errors import Fault
from services.collector.errors import MalformedError, printable
from services.collector.records.decoding import decode_lenient
from services.collector.times import parse_ms

Half = Literal["request", "response"]
HALVES: Mapping[str, Half] = {
    "org.kubeflow.serving.inference.request": "request",
    "org.kubeflow.serving.inference.response": "response",
}
STRUCTURED = "application/cloudevents+json"
_LONGEST = 400  # characters of an attribute that are looked at
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Event:
    """`half` is None for a type that is not ours; `at_ms` when the event has no time that can be read."""

    attributes: Mapping[str, str]
    data: bytes

    @property
    def half(self) -> Half | None:
        return HALVES.get(self.attributes["type"])

    @property
    def service(self) -> str:
        return self.attributes.get("inferenceservicename", "")

    @property
    def at_ms(self) -> int | None:
        try:
            return max(parse_ms(self.attributes.get("time", "")), 0)
        except ValueError:
            return None

    @property
    def origin(self) -> str:
        """Where it comes from, for the record's `source`: NAMESPACE/SERVICE, or the event's own source."""
        named = "/".join(filter(None, (self.attributes.get("namespace"), self.service)))
        return printable(named or self.attributes.get("source", ""), 64)

    @property
    def trace_id(self) -> str | None:
        """Of the extension `traceparent`, or of a header that KServe was told to log (`metadataHeaders`)."""
        found = _TRACEPARENT.fullmatch(self.attributes.get("traceparent", "") or _logged_traceparent(self.attributes))
        return found[1] if found else None

    def key(self, model: str | None, version: str | None) -> str:
        """What a request and its response have in common, sent to the same address."""
        parts = [model, version, *(self.attributes.get(n, "") for n in ("namespace", "inferenceservicename"))]
        parts += [self.attributes.get(n, "") for n in ("component", "endpoint", "id")]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def read_event(headers: Mapping[str, str], content_type: str, body: bytes) -> Event:
    """The event of an HTTP request; `headers` have lower-case names. Raises MalformedError when it is none."""
    if content_type == STRUCTURED:
        return _read_structured(body)
    attributes = {name[3:]: unquote(value, errors="replace") for name, value in headers.items() if name[:3] == "ce-"}
    return _checked(attributes, body)


def _read_structured(body: bytes) -> Event:
    envelope = decode_lenient(body)
    if not isinstance(envelope, dict):
        raise MalformedError(Fault("", "type", "a structured CloudEvent is a JSON object"))
    attributes = {str(k): v for k, v in envelope.items() if isinstance(v, str) and k not in ("data", "data_base64")}
    return _checked(attributes, _data(envelope))


def _data(envelope: dict[str, Any]) -> bytes:
    if isinstance(envelope.get("data_base64"), str):
        try:
            return base64.b64decode(envelope["data_base64"], validate=True)
        except (binascii.Error, ValueError):
            raise MalformedError(Fault("data_base64", "malformed", "not base64")) from None
    data = envelope.get("data")
    return data.encode("utf-8", "surrogatepass") if isinstance(data, str) else json.dumps(data).encode()


def _checked(attributes: dict[str, str], data: bytes) -> Event:
    if attributes.get("specversion", "1.0") != "1.0":
        raise MalformedError(Fault("specversion", "unsupported", "only CloudEvents 1.0 is supported"))
    absent = [name for name in ("id", "type") if not attributes.get(name)]
    if absent:
        how = "headers `ce-id`, `ce-type`, ... (binary mode) or application/cloudevents+json"
        raise MalformedError(Fault(absent[0], "missing", f"not a CloudEvent: it needs {how}"))
    return Event({name: value[:_LONGEST] for name, value in attributes.items()}, data)


def _logged_traceparent(attributes: Mapping[str, str]) -> str:
    try:
        logged = json.loads(attributes.get("metadata", "{}"))
        return str(next(values[0] for name, values in logged.items() if name.lower() == "traceparent"))
    except (ValueError, AttributeError, LookupError, TypeError, StopIteration):
        return ""
