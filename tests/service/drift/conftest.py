"""The drift service, put together, with a real collector over HTTP."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from services.drift.app import create_app
from services.drift.settings import DriftSettings
from tests.service.drift.stack import running_collector


@contextmanager
def running_drift(models, state, collector_url, **settings):
    """A client of the service; its scheduler and, when it is needed, its report worker run."""
    settings = DriftSettings(
        port=0, models=models, state=state, collector_url=collector_url, log_level="warning", **settings
    )
    with TestClient(create_app(settings, CollectorRegistry()), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    with running_collector(tmp_path_factory.mktemp("collector")) as collector:
        yield collector


@pytest.fixture
def fresh_collector(tmp_path):
    """One of the test's own, that it may stop."""
    with running_collector(tmp_path / "collector") as collector:
        yield collector
