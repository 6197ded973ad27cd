"""All that the page talks to: the three services, and Prometheus where its address is set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.frontend.answers import Health
from services.frontend.clients.collector import Collector
from services.frontend.clients.drift import DriftWatch
from services.frontend.clients.inference import Inference
from services.frontend.clients.prometheus import Prometheus
from services.frontend.connection import Connection
from services.frontend.errors import ServiceAway, ServiceError
from services.frontend.metrics import PageMetrics
from services.frontend.settings import FrontendSettings


@dataclass(frozen=True)
class Services:
    """`connections` are those of our own services."""

    inference: Inference
    collector: Collector
    drift: DriftWatch
    prometheus: Prometheus | None = None

    @property
    def connections(self) -> tuple[Connection, ...]:
        return (self.inference.connection, self.collector.connection, self.drift.connection)

    def close(self) -> None:
        for connection in (*self.connections, *self._prometheus):
            connection.close()

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(c.url for c in (*self.connections, *self._prometheus))

    @property
    def _prometheus(self) -> tuple[Connection, ...]:
        return (self.prometheus.connection,) if self.prometheus else ()


def connect(settings: FrontendSettings, metrics: PageMetrics) -> Services:
    """Connections by the settings. Nothing is sent yet."""

    def to(name: str, url: str) -> Connection:
        return Connection(
            name,
            url,
            settings.key(),
            timeout_seconds=settings.timeout_seconds,
            metrics=metrics,
            identity=settings.identity(url),
        )

    def to_prometheus(url: str) -> Prometheus:
        return Prometheus(
            Connection("Prometheus", url, None, timeout_seconds=settings.timeout_seconds, metrics=metrics)
        )

    return Services(
        Inference(to("inference", settings.inference_url)),
        Collector(to("collector", settings.collector_url)),
        DriftWatch(to("drift", settings.drift_url), settings.report_timeout_seconds),
        to_prometheus(settings.prometheus_url) if settings.prometheus_url else None,
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
