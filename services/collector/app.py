"""The composition root of the collector: its lifespan, its routes and its error table."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from pilothouse.serving.problem import Entry, ErrorTable
from pilothouse.serving.readiness import Readiness
from pilothouse.serving.service import create_service
from services.collector import errors
from services.collector.background import keep_doing
from services.collector.components import Components, assemble
from services.collector.labels.waiting import ROUND_SECONDS as WAITING_SECONDS
from services.collector.routes.archive import archive_router
from services.collector.routes.cloudevents import cloudevents_router
from services.collector.routes.labels import labels_router
from services.collector.routes.models import models_router
from services.collector.routes.records import records_router
from services.collector.routes.watching import watching_router
from services.collector.settings import CollectorSettings
from services.collector.store.database import PART, keep_ready
from services.collector.times import Clock, now_ms

DESCRIPTION = "The one writer and reader of the database: records, labels, alerts, drift results."
ERRORS: ErrorTable = {
    errors.MalformedError: Entry(422, "malformed", "Malformed request"),
    errors.TooLargeError: Entry(413, "too-large", "Too large"),
    errors.UnsupportedError: Entry(415, "unsupported", "Unsupported media type or encoding"),
    errors.NotAnnouncedError: Entry(404, "unknown-model", "Unknown model version"),
    errors.SchemaConflictError: Entry(409, "schema-conflict", "Known with other columns"),
    errors.NoArchiveError: Entry(409, "no-archive", "There is no archive"),
    errors.UnavailableError: Entry(503, "unavailable", "Database not available", {"Retry-After": "2"}),
}
ROUTERS = (
    records_router, cloudevents_router, models_router, labels_router, watching_router, archive_router
)  # fmt: skip


def create_app(
    settings: CollectorSettings, registry: CollectorRegistry | None = None, clock: Clock = now_ms
) -> FastAPI:
    """Raises DatabaseAddressError or ArchiveAddressError when a URL is not one.

    A database or an archive that is down raises nothing here.
    """
    registry = registry or CollectorRegistry()
    readiness = Readiness(PART)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(work) for work in _background(components, readiness)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await components.database.adapter.close()

    app = create_service(
        "collector",
        DESCRIPTION,
        settings=settings,
        registry=registry,
        readiness=readiness,
        lifespan=lifespan,
        errors=ERRORS,
    )
    components = assemble(settings, registry, app.state.spans, clock)
    app.state.components = components
    for router in ROUTERS:
        app.include_router(router(components))
    return app


def _background(components: Components, readiness: Readiness) -> list[Coroutine[Any, Any, None]]:
    """What runs in the background for as long as the service runs."""
    ready, metrics = components.database.migrated, components.metrics
    failed = metrics.maintenance_failures.inc
    work = [
        keep_ready(components.database, readiness, metrics),
        keep_doing(
            "maintenance", components.maintenance.round, ready, seconds=600, retry_seconds=15, on_failure=failed
        ),
        # SQLite reads every page of a table to know its size
        keep_doing("sizes", components.sizes.measure, ready, seconds=30, busy_share=0.05),
        keep_doing("events", components.events.round, ready, seconds=2),
        keep_doing("labels", components.waiting_labels.round, ready, seconds=WAITING_SECONDS),
        keep_doing("alerts", components.alerts.count, ready, seconds=15),
    ]
    return work if components.archiver is None else [*work, components.archiver.keep()]
