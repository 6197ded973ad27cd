"""Where pages get what they show: the connections of this process, and answers that may be some seconds old."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pilothouse.manifest import Manifest
from pilothouse.web.settings import read_settings
from services.frontend import api
from services.frontend.answers import Health, ModelEntry, ModelStats
from services.frontend.api import Services
from services.frontend.memory import kept, remembered
from services.frontend.metrics import page_metrics
from services.frontend.settings import FrontendSettings

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
    """`version` is part of what it is remembered by: another version may bring other examples."""
    return services.inference.example(name, file)


@remembered(60, _BY_ADDRESS, entries=8)
def report(services: Services, name: str, version: str, window: str | None) -> str:
    return services.drift.report(name, version, window)


def health(services: Services) -> list[Health]:
    """All services asked at once, so that one that hangs costs its own time only."""
    with ThreadPoolExecutor(len(services.connections)) as pool:
        return list(pool.map(api.check, services.connections))
