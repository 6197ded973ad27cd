"""The drift service, put together, with a real collector over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from services.drift.app import create_app
from services.drift.settings import DriftSettings


@contextmanager
def running_drift(models: Path, state: Path, collector_url: str, **settings: Any) -> Iterator[TestClient]:
    """A client of the service; its scheduler and, when it is needed, its report worker run."""
    configured = DriftSettings(
        port=0, models=models, state=state, collector_url=collector_url, log_level="warning", **settings
    )
    app = create_app(configured, CollectorRegistry())
    with TestClient(app, "http://localhost", raise_server_exceptions=False) as client:
        yield client
