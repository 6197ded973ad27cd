"""The other services as the page sees them: typed calls with timeouts, nothing else.

Every call raises ServiceAway, ServiceRefused or ServiceOdd (see errors) when there is no answer to show.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from pydantic import ValidationError

from pilothouse.manifest import Manifest
from services.frontend.answers import Drift, Health, ModelEntry, ModelStats, Prediction, Records
from services.frontend.connection import Connection
from services.frontend.errors import ServiceAway, ServiceError, ServiceOdd, ServiceRefused
from services.frontend.metrics import PageMetrics
from services.frontend.settings import FrontendSettings

PREDICT_SECONDS = 30.0
WAIT_SECONDS = 20.0


class Inference:
    """Loaded models and their predictions."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def models(self) -> list[ModelEntry]:
        """Every package that was found; `state` is `active`, `loaded` or `failed`."""
        return self.connection.read(_Models, "/models").models

    def manifest(self, name: str, version: str | None = None) -> Manifest:
        path = f"/models/{name}" if version is None else f"/models/{name}/versions/{version}"
        return _manifest(self.connection, path)

    def example(self, name: str, file: str) -> bytes:
        """An example image of the package; `file` as the manifest names it."""
        return self.connection.send("GET", f"/models/{name}/examples/{file.removeprefix('examples/')}").content

    def predict(self, name: str, version: str, instance: Mapping[str, Any]) -> Prediction:
        """ServiceRefused carries a fault for each feature that does not fit, its path the feature's name."""
        return self._predict(name, version, json=dict(instance))

    def predict_image(self, name: str, version: str, file: bytes) -> Prediction:
        """One request an image: what is wrong with one file is then said of that file and stops no other."""
        return self._predict(name, version, content=file, content_type="application/octet-stream")

    def _predict(self, name: str, version: str, content_type: str = "application/json", **body: Any) -> Prediction:
        path = f"/models/{name}/versions/{version}/predict"
        headers = {"Content-Type": content_type, "Pilothouse-Source": "page"}
        response = self.connection.send("POST", path, headers=headers, timeout_seconds=PREDICT_SECONDS, **body)
        return self.connection.decode(Prediction, response)


class Collector:
    """What was logged."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def models(self) -> list[ModelEntry]:
        """The models that were ever announced: enough to look at the log while inference is away."""
        return self.connection.read(_Models, "/v1/models").models

    def manifest(self, name: str, version: str) -> Manifest:
        return _manifest(self.connection, f"/v1/models/{name}/{version}")

    def stats(self) -> list[ModelStats]:
        return self.connection.read(_Stats, "/v1/stats").models

    def records(self, model: str, version: str, limit: int, cursor: str | None = None) -> Records:
        """The newest records first; `cursor` is the `next` of the page before. Empty when nothing was announced yet."""
        params = {"model": model, "version": version, "limit": limit, "cursor": cursor, "order": "desc"}
        try:
            return self.connection.read(Records, "/v1/records", params)
        except ServiceRefused as refusal:
            if refusal.status == 404:
                return Records(columns=[], records=[])
            raise


class DriftWatch:
    """The drift service: verdicts and Evidently's report. A `window` of None is the one its manifest names."""

    def __init__(self, connection: Connection, report_timeout_seconds: float) -> None:
        self.connection = connection
        self._report_timeout_seconds = report_timeout_seconds

    def verdict(self, model: str, version: str, window: str | None = None) -> Drift:
        return self.connection.read(Drift, "/drift", {"model": model, "version": version, "window": window})

    def report(self, model: str, version: str, window: str | None = None) -> str:
        """Evidently's page, several megabytes of HTML. The service is asked again while it is still at work (202)."""
        params = {"model": model, "version": version, "window": window, "format": "html", "wait": WAIT_SECONDS}
        give_up = time.monotonic() + self._report_timeout_seconds
        while time.monotonic() < give_up:
            answer = self.connection.send("GET", "/drift-report", params=params, timeout_seconds=2 * WAIT_SECONDS)
            if answer.status_code != HTTPStatus.ACCEPTED:
                return answer.text
        raise ServiceAway(self.connection.name, self.connection.url, "the report is still being made")


@dataclass(frozen=True)
class Services:
    """All that the page talks to."""

    inference: Inference
    collector: Collector
    drift: DriftWatch

    @property
    def connections(self) -> tuple[Connection, ...]:
        return (self.inference.connection, self.collector.connection, self.drift.connection)

    def close(self) -> None:
        for connection in self.connections:
            connection.close()

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(c.url for c in self.connections)


def connect(settings: FrontendSettings, metrics: PageMetrics) -> Services:
    """Connections by the settings. Nothing is sent yet."""

    def to(name: str, url: str) -> Connection:
        return Connection(name, url, settings.key(), settings.timeout_seconds, metrics)

    return Services(
        Inference(to("inference", settings.inference_url)),
        Collector(to("collector", settings.collector_url)),
        DriftWatch(to("drift", settings.drift_url), settings.report_timeout_seconds),
    )


def check(connection: Connection) -> Health:
    """Whether the service can do its work, and if not, why."""
    name, url = connection.name, connection.url
    try:
        about = connection.read(dict[str, Any], "/")
        connection.send("GET", "/health/ready")
    except ServiceAway as away:
        return Health(name, url, "away", reasons={"connection": away.detail})
    except ServiceError as waiting:
        return Health(name, url, "waiting", reasons={"service": waiting.detail})
    return Health(name, url, "ready", version=str(about.get("version", "")))


class _Models(msgspec.Struct):
    models: list[ModelEntry]


class _Stats(msgspec.Struct):
    models: list[ModelStats]


def _manifest(connection: Connection, path: str) -> Manifest:
    """The manifest, without what the service adds to it (links, schemas)."""
    body = connection.read(dict[str, Any], path)
    try:
        return Manifest.model_validate({k: v for k, v in body.items() if k in Manifest.model_fields})
    except ValidationError as error:
        raise ServiceOdd(connection.name, connection.url + path, 200, str(error)) from error
