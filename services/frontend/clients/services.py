"""All that the page talks to: the three services, and Prometheus and Alertmanager where their addresses are set."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from pilothouse.serving.auth import Keys
from pilothouse.serving.settings import read_settings
from pilothouse.wire.alerts import AlertChannel
from services.frontend.alert_channels import read_channels
from services.frontend.clients.alertmanager import AlertmanagerClient
from services.frontend.clients.collector import CollectorClient
from services.frontend.clients.connection import Connection
from services.frontend.clients.drift import DriftClient
from services.frontend.clients.inference import InferenceClient
from services.frontend.clients.prometheus import PrometheusClient
from services.frontend.errors import ServiceAway, ServiceError
from services.frontend.metrics import PageMetrics, page_metrics
from services.frontend.settings import FrontendSettings

P = ParamSpec("P")
R = TypeVar("R")
_BY_VALUE = {FrontendSettings: lambda settings: (settings.model_dump_json(), settings.key())}


@dataclass(frozen=True)
class ServiceHealth:
    """Whether a service can do its work: `ready`, `waiting` or `away`; `reasons` say what is missing, part by part."""

    service: str
    url: str
    state: str
    version: str = ""
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Services:
    """A client for each."""

    inference: InferenceClient
    collector: CollectorClient
    drift: DriftClient
    prometheus: PrometheusClient | None = None
    alertmanager: AlertmanagerClient | None = None
    alert_channels_file: Path | None = None

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Those to our own services."""
        return (self.inference.connection, self.collector.connection, self.drift.connection)

    def health(self) -> list[ServiceHealth]:
        """All services asked at once, so that one that hangs costs its own time only."""
        with ThreadPoolExecutor(len(self.connections)) as pool:
            return list(pool.map(check_health, self.connections))

    def scrape(self) -> dict[str, str | None]:
        """The text of `/metrics` of every service by its name, all asked at once; None for one that did not answer."""

        def ask(connection: Connection) -> str | None:
            try:
                return connection.send("GET", "/metrics").text
            except ServiceError:
                return None

        with ThreadPoolExecutor(len(self.connections)) as pool:
            pages = pool.map(ask, self.connections)
            return dict(zip((c.name for c in self.connections), pages, strict=True))

    def alert_channels(self) -> list[AlertChannel] | None:
        """The channels that alerts leave by, with what was found wrong with them at the start; None where that is not
        known."""
        known = read_channels(self.alert_channels_file)
        return known.channels if known else None

    def close(self) -> None:
        others = [client.connection for client in (self.prometheus, self.alertmanager) if client]
        for connection in (*self.connections, *others):
            connection.close()


def open_services() -> Services:
    """The connections for the environment's settings, made once for the process.

    A run of the page is an entry point like any other: it reads the environment at its start and passes on what it
    found.
    """
    services: Services = _open(read_settings(FrontendSettings))
    return services


@st.cache_resource(max_entries=20, show_spinner=False, hash_funcs=_BY_VALUE, on_release=Services.close)  # type: ignore[untyped-decorator]
def _open(settings: FrontendSettings) -> Services:
    return connect(settings, page_metrics())


def connect(settings: FrontendSettings, metrics: PageMetrics) -> Services:
    """Connections by the settings. Nothing is sent yet."""

    def to(name: str, url: str, key: str | None, identity: Any = None) -> Connection:
        seconds = settings.timeout_seconds
        return Connection(name, url, key, timeout_seconds=seconds, metrics=metrics, identity=identity)

    def to_own(name: str, url: str) -> Connection:
        return to(name, url, settings.key(), settings.identity(url))

    prometheus, alertmanager = settings.prometheus_url, settings.alertmanager_url
    keys = Keys.read(settings.api_keys_file)
    return Services(
        InferenceClient(to_own("inference", settings.inference_url)),
        CollectorClient(to_own("collector", settings.collector_url)),
        DriftClient(to_own("drift", settings.drift_url)),
        PrometheusClient(to("Prometheus", prometheus, None)) if prometheus else None,
        AlertmanagerClient(to("Alertmanager", alertmanager, None), keys, settings.key(), settings.public_address())
        if alertmanager
        else None,
        settings.alert_channels_file,
    )


def check_health(connection: Connection) -> ServiceHealth:
    """Whether the service can do its work, and if not, why."""
    name, url = connection.name, connection.url
    try:
        about = connection.read(dict[str, Any], "/")
        connection.send("GET", "/health/ready")
    except ServiceAway as away:
        return ServiceHealth(name, url, "away", reasons={"connection": away.detail})
    except ServiceError as waiting:
        return ServiceHealth(name, url, "waiting", reasons={"service": waiting.detail})
    return ServiceHealth(name, url, "ready", version=str(about.get("version", "")))


def in_background(ask: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[[], R]:
    """Ask at once, in a thread of its own, what a page needs further down. Calling the result waits for the answer, and
    raises what asking raised."""
    answer: Future[R] = Future()

    def run() -> None:
        try:
            answer.set_result(ask(*args, **kwargs))
        except Exception as error:  # of every kind: it is raised where the answer is waited for
            answer.set_exception(error)

    Thread(target=run, name=f"ask-{getattr(ask, '__name__', '')}", daemon=True).start()
    return answer.result
