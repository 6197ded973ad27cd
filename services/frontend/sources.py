"""Where pages get what they show: the connections of this process, and answers that may be some seconds old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Thread
from typing import ParamSpec, TypeVar

import streamlit as st

from pilothouse.manifest import Manifest
from pilothouse.serving.settings import read_settings
from pilothouse.wire.models import ModelStats
from services.frontend import api, hour, readings
from services.frontend.answers import Drift, DriftRuns, Health, ModelEntry
from services.frontend.api import Services
from services.frontend.clients.prometheus import Rule
from services.frontend.connection import Connection
from services.frontend.errors import ServiceError
from services.frontend.memory import kept, remembered
from services.frontend.metrics import page_metrics
from services.frontend.performance import Performance, PerformanceRuns
from services.frontend.readings import Reading, Sample
from services.frontend.settings import FrontendSettings
from services.frontend.shapes import Distributions, Plane

P = ParamSpec("P")
R = TypeVar("R")
_BY_ADDRESS = {Services: lambda services: services.addresses}
_BY_VALUE = {FrontendSettings: lambda settings: (settings.model_dump_json(), settings.key())}


def open_services() -> Services:
    """The connections for the environment's settings, made once for the process.

    A run of the page is an entry point like any other: it reads the environment at its start and passes on what it
    found.
    """
    return _connect(read_settings(FrontendSettings))


@kept(_BY_VALUE, Services.close)
def _connect(settings: FrontendSettings) -> Services:
    return api.connect(settings, page_metrics())


@remembered(5, _BY_ADDRESS)
def found_models(services: Services) -> list[ModelEntry]:
    return services.inference.models()


@remembered(5, _BY_ADDRESS)
def announced_models(services: Services) -> list[ModelEntry]:
    return services.collector.models()


@remembered(60, _BY_ADDRESS)
def served_manifest(services: Services, name: str, version: str) -> Manifest:
    return services.inference.manifest(name, version)


@remembered(60, _BY_ADDRESS)
def announced_manifest(services: Services, name: str, version: str) -> Manifest:
    return services.collector.manifest(name, version)


@remembered(2, _BY_ADDRESS)
def stats(services: Services) -> list[ModelStats]:
    return services.collector.stats()


@remembered(3600, _BY_ADDRESS, entries=200)
def example_image(services: Services, name: str, version: str, file: str) -> bytes:
    return services.inference.example(name, version, file)


@remembered(60, _BY_ADDRESS)
def card(services: Services, name: str, version: str) -> str | None:
    return services.inference.card(name, version)


@remembered(4, _BY_ADDRESS)
def verdict(services: Services, name: str, version: str, window: str | None) -> Drift:
    return services.drift.verdict(name, version, window)


@remembered(20, _BY_ADDRESS)
def drift_history(services: Services, name: str, version: str, window: str) -> DriftRuns:
    return services.drift.history(name, version, window)


@remembered(20, _BY_ADDRESS)
def distributions(
    services: Services, name: str, version: str, columns: Sequence[str], window: str | None
) -> Distributions:
    return services.drift.distributions(name, version, columns, window)


@remembered(20, _BY_ADDRESS)
def plane(services: Services, name: str, version: str, window: str | None) -> Plane | None:
    return services.drift.plane(name, version, window)


@remembered(10, _BY_ADDRESS)
def performance(
    services: Services, name: str, version: str, window: str | None, segment: str | None = None
) -> Performance:
    return services.drift.performance(name, version, window, segment)


@remembered(20, _BY_ADDRESS)
def performance_history(services: Services, name: str, version: str, window: str) -> PerformanceRuns:
    return services.drift.performance_history(name, version, window)


@remembered(4, _BY_ADDRESS)
def last_hour(services: Services) -> list[Reading]:
    """From Prometheus, which has to be there."""
    assert services.prometheus
    return hour.read(services.prometheus, datetime.now(UTC))


@remembered(5, _BY_ADDRESS)
def alert_rules(services: Services) -> list[Rule]:
    """From Prometheus, which has to be there."""
    assert services.prometheus
    return services.prometheus.alert_rules()


@remembered(60, _BY_ADDRESS, entries=8)
def report(services: Services, name: str, version: str, window: str | None) -> str:
    return services.drift.report(name, version, window)


def soon(ask: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[[], R]:
    """Ask at once, in a thread of its own, what a page needs further down. Calling the result waits for the answer, and
    raises what asking raised."""
    answer: Future[R] = Future()

    def run() -> None:
        try:
            answer.set_result(ask(*args, **kwargs))
        except Exception as error:  # of every kind: it is raised where the answer is waited for
            answer.set_exception(error)

    Thread(target=run, name=f"soon-{getattr(ask, '__name__', '')}", daemon=True).start()
    return answer.result


def health(services: Services) -> list[Health]:
    """All services asked at once, so that one that hangs costs its own time only."""
    with ThreadPoolExecutor(len(services.connections)) as pool:
        return list(pool.map(api.check, services.connections))


def traffic_now(services: Services) -> Sample:
    """The counters of all services, asked at once."""

    def ask(connection: Connection) -> str | None:
        try:
            return connection.send("GET", "/metrics").text
        except ServiceError:
            return None

    with ThreadPoolExecutor(len(services.connections)) as pool:
        pages = list(pool.map(ask, services.connections))
    names = [connection.name for connection in services.connections]
    return readings.sample(dict(zip(names, pages, strict=True)), datetime.now(UTC))


def forget() -> None:
    """Ask everything anew: something was changed."""
    st.cache_data.clear()
