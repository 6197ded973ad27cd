"""The drift service, put together, with a real collector over HTTP."""

from contextlib import contextmanager

from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from services.drift.app import create_app
from services.drift.settings import DriftSettings


@contextmanager
def running_drift(models, state, collector_url, **settings):
    """A client of the service; its scheduler and, when it is needed, its report worker run."""
    settings = DriftSettings(
        port=0, models=models, state=state, collector_url=collector_url, log_level="warning", **settings
    )
    with TestClient(create_app(settings, CollectorRegistry()), raise_server_exceptions=False) as client:
        yield client
