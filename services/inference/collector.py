"""The collector, as the shipper sees it: announce a manifest, deliver a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import httpx2
import msgspec

from pilothouse.errors import RemoteError
from pilothouse.manifest import Manifest
from pilothouse.serving.trace import trace_headers
from pilothouse.wire.models import VersionState, VersionStates
from pilothouse.wire.records import MSGPACK, IngestResult

_result = msgspec.json.Decoder(IngestResult)
UNKNOWN_MODEL = "unknown-model"


class Collector(Protocol):
    def announce(self, manifest: Manifest) -> None:
        """Raises RemoteError; status 409 when this version is known with another schema."""

    def tell_states(self, model: str, states: Mapping[str, VersionState]) -> None:
        """Say which version of a model answers, and which shadow it. Raises RemoteError."""

    def deliver(self, body: bytes) -> IngestResult:
        """Returns when every record is committed, or set aside there. Raises RemoteError otherwise."""

    def close(self) -> None: ...


class HttpCollector:
    """Over HTTP, blocking: the shipper has a thread of its own."""

    def __init__(
        self, url: str, api_key: str | None, timeout_seconds: float, identity: httpx2.Auth | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        timeout = httpx2.Timeout(timeout_seconds, connect=2)
        self._http = httpx2.Client(base_url=url.rstrip("/"), headers=headers, timeout=timeout, auth=identity)

    def announce(self, manifest: Manifest) -> None:
        path = f"/v1/models/{manifest.name}/{manifest.version}"
        self._request("PUT", path, msgspec.json.encode(manifest.model_dump(mode="json")), "application/json")

    def tell_states(self, model: str, states: Mapping[str, VersionState]) -> None:
        self._request(
            "PUT", f"/v1/models/{model}", msgspec.json.encode(VersionStates(dict(states))), "application/json"
        )

    def deliver(self, body: bytes) -> IngestResult:
        answer = self._request("POST", "/v1/records", body, MSGPACK)
        try:
            return _result.decode(answer)
        except msgspec.DecodeError as error:
            raise RemoteError("/v1/records", 200, f"not an ingest result: {error}") from error

    def close(self) -> None:
        self._http.close()

    def _request(self, method: str, path: str, body: bytes, content_type: str) -> bytes:
        try:
            answer = self._http.request(
                method, path, content=body, headers={"content-type": content_type} | trace_headers()
            )
        except Exception as error:  # a connection reset has raised a bare AttributeError inside HTTP libraries
            raise RemoteError(path, None, f"{type(error).__name__}: {error}") from error
        if answer.is_success:
            return answer.content
        raise RemoteError(path, answer.status_code, answer.text[:500])
