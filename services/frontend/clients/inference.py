"""Loaded models, their predictions, and which version answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pilothouse.manifest import Manifest
from pilothouse.wire.predictions import ModelEntry, ModelList, Prediction, PredictionList
from services.frontend.clients.cache import cached
from services.frontend.clients.connection import Answer, Connection
from services.frontend.errors import none_if_missing

PREDICT_SECONDS = 30.0


class InferenceClient:
    """`key`, where a call takes one, is used in place of the page's own."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached(seconds=5)
    def models(self) -> list[ModelEntry]:
        """Every package that was found; `state` is `active`, `shadow`, `loaded` or `failed`."""
        return self.connection.read(ModelList, "/models").models

    @cached(seconds=60)
    def manifest(self, name: str, version: str) -> Manifest:
        return self.connection.manifest(f"/models/{name}/versions/{version}")

    @cached(seconds=60)
    def card(self, name: str, version: str) -> str | None:
        """The model card's Markdown; None where the package has none."""
        path = f"/models/{name}/versions/{version}/card"
        return none_if_missing(lambda: self.connection.send("GET", path).text)

    @cached(seconds=3600, entries=200)
    def example(self, name: str, version: str, file: str) -> bytes:
        """An example image of the package; `file` as the manifest names it."""
        path = f"/models/{name}/versions/{version}/examples/{file.removeprefix('examples/')}"
        return self.connection.send("GET", path).content

    def predict(self, name: str, version: str, instance: Mapping[str, Any]) -> Prediction:
        """ServiceRefused carries a fault for each feature that does not fit, its path the feature's name."""
        return self._predict(Prediction, name, version, json=dict(instance))

    def predict_many(self, name: str, version: str, instances: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """Answers in the order given. Of a refusal's faults the paths are `instances[7].feature`."""
        return self._predict(PredictionList, name, version, json={"instances": list(instances)}).predictions

    def predict_image(self, name: str, version: str, file: bytes) -> Prediction:
        """One request an image: what is wrong with one file is then said of that file and stops no other."""
        return self._predict(Prediction, name, version, content=file, content_type="application/octet-stream")

    def activate(self, name: str, version: str, key: str | None = None) -> None:
        """Have this version answer from now on. Needs the scope admin."""
        self.connection.send("POST", f"/models/{name}/versions/{version}/activate", key=key)

    def shadow(self, name: str, version: str, on: bool, key: str | None = None) -> None:
        """Have this version predict beside the one that answers, or no longer. Needs the scope admin."""
        method = "POST" if on else "DELETE"
        self.connection.send(method, f"/models/{name}/versions/{version}/shadow", key=key)

    def _predict(
        self, kind: type[Answer], name: str, version: str, content_type: str = "application/json", **body: Any
    ) -> Answer:
        path = f"/models/{name}/versions/{version}/predict"
        headers = {"Content-Type": content_type, "Pilothouse-Source": "page"}
        response = self.connection.send("POST", path, headers=headers, timeout_seconds=PREDICT_SECONDS, **body)
        return self.connection.decode(kind, response)
