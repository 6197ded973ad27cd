"""The inference service from Python: `Client("http://127.0.0.1:8000").predict("house-prices", [{...}])`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from pilothouse.errors import Fault, InputError, RemoteError
from pilothouse.manifest import Manifest
from pilothouse.service_client import ServiceClient


class Client(ServiceClient):
    """A connection to the inference service. Close it, or use it as a context manager.

    Arguments:
        url: where the service is, such as http://127.0.0.1:8000.
        api_key: a key with the scope `predict`, sent as a bearer token; None where the service asks for none.
        timeout_seconds: how long a call may take.
        auth: for a platform that asks for a token of its own beside the key, as Cloud Run does.

    Raises InputError (with the service's faults) for inputs that do not fit, and RemoteError for everything else.
    """

    def __init__(
        self, url: str, api_key: str | None = None, timeout_seconds: float = 30, auth: httpx2.Auth | None = None
    ) -> None:
        super().__init__(url, api_key, timeout_seconds, auth)

    def models(self) -> list[dict[str, Any]]:
        """Every package that the service found: name, version, task, state, whether it is the default."""
        return list(self._json("GET", "/models")["models"])

    def manifest(self, name: str, version: str | None = None) -> Manifest:
        """What a model version takes and gives; without `version` that of the one that answers."""
        return Manifest.model_validate(self._json("GET", _path(name, version)))

    def predict(
        self, name: str, instances: Sequence[Mapping[str, Any]], version: str | None = None
    ) -> list[dict[str, Any]]:
        """Predictions for feature objects, in the order given, of the version that answers or of the one named.

        Each has `id` (to label it by), `model`, `version`, `prediction`, `logged` and `latency_ms`, and those of a
        classifier `probabilities` by class and perhaps `risk`.
        """
        body = {"instances": [dict(i) for i in instances]}
        return list(self._json("POST", f"{_path(name, version)}/predict", json=body)["predictions"])

    def predict_images(self, name: str, files: Sequence[bytes], version: str | None = None) -> list[dict[str, Any]]:
        """The same for image files (the bytes of a PNG, JPEG, WEBP, BMP, GIF or TIFF)."""
        parts = [("file", (f"{i}", data, "application/octet-stream")) for i, data in enumerate(files)]
        answer = self._json("POST", f"{_path(name, version)}/predict", files=parts)
        return list(answer["predictions"]) if "predictions" in answer else [answer]

    def _json(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        url, response = f"{self._url}{path}", self._ask(method, path, **request)
        try:
            body = response.json()
        except ValueError as error:
            raise RemoteError(url, response.status_code, response.text[:200]) from error
        if response.is_success:
            return dict(body)
        faults = [Fault(f["path"], f["code"], f["message"]) for f in body.get("errors", ())]
        if faults and response.status_code in (413, 415, 422):
            raise InputError(faults)
        raise RemoteError(url, response.status_code, body.get("detail") or body.get("title") or "")


def _path(name: str, version: str | None) -> str:
    return f"/models/{name}" if version is None else f"/models/{name}/versions/{version}"
