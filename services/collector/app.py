"""The composition root of the collector: its parts, its lifespan, its routes and its error table."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from pilothouse.web.problem import Entry, ErrorTable
from pilothouse.web.readiness import Readiness
from pilothouse.web.service import create_service
from services.collector import errors
from services.collector.adapter import Adapter
from services.collector.alerts import Alerts
from services.collector.catalog import Catalog
from services.collector.database import PART, Database, keep_ready
from services.collector.dead_letters import DeadLetters
from services.collector.drift_runs import DriftRuns
from services.collector.ingest import Ingest
from services.collector.labels import Labels
from services.collector.maintenance import Maintenance
from services.collector.metrics import CollectorMetrics
from services.collector.moment import Clock, now_ms
from services.collector.parts import Limits, Parts
from services.collector.postgres import Postgres
from services.collector.reading import RecordReader
from services.collector.routes.labels import labels_router
from services.collector.routes.models import models_router
from services.collector.routes.records import records_router
from services.collector.routes.watching import watching_router
from services.collector.settings import CollectorSettings
from services.collector.sqlite import Sqlite
from services.collector.stats import Stats

DESCRIPTION = "The one writer and reader of the database: records, labels, alerts, drift results."
ERRORS: ErrorTable = {
    errors.MalformedError: Entry(422, "malformed", "Malformed request"),
    errors.TooLargeError: Entry(413, "too-large", "Too large"),
    errors.UnsupportedError: Entry(415, "unsupported", "Unsupported media type or encoding"),
    errors.UnknownModelError: Entry(404, "unknown-model", "Unknown model version"),
    errors.SchemaConflictError: Entry(409, "schema-conflict", "Known with other columns"),
    errors.UnavailableError: Entry(503, "unavailable", "Database not available", {"Retry-After": "2"}),
}


def create_app(
    settings: CollectorSettings, registry: CollectorRegistry | None = None, clock: Clock = now_ms
) -> FastAPI:
    """Raises DatabaseAddressError when the database's URL is not one; a database that is down raises nothing here."""
    registry = registry or CollectorRegistry()
    readiness = Readiness(PART)
    metrics = CollectorMetrics(registry)
    adapter = connect(settings)
    database = Database(adapter, timeout_seconds=settings.database_timeout)
    catalog = Catalog(database, clock)
    maintenance = Maintenance(
        database,
        catalog,
        metrics,
        retention_days=settings.retention_days,
        history_days=settings.history_days,
        clock=clock,
    )
    metrics.watch_pool(database.connections_in_use)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(keep_ready(database, readiness, metrics), name="database"),
            asyncio.create_task(maintenance.keep(), name="maintenance"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await adapter.close()

    app = create_service(
        "collector",
        DESCRIPTION,
        settings=settings,
        registry=registry,
        readiness=readiness,
        lifespan=lifespan,
        errors=ERRORS,
    )
    parts = assemble(settings, database, catalog, metrics, clock)
    for router in (records_router, models_router, labels_router, watching_router):
        app.include_router(router(parts))
    return app


def connect(settings: CollectorSettings) -> Adapter:
    """The adapter for the database's URL; nothing is reached yet."""
    url = settings.database()
    kind = Postgres if url.get_backend_name() == "postgresql" else Sqlite
    return kind(url, pool=settings.database_pool, timeout_seconds=settings.database_timeout)


def assemble(
    settings: CollectorSettings, database: Database, catalog: Catalog, metrics: CollectorMetrics, clock: Clock
) -> Parts:
    ingest = Ingest(
        database,
        catalog,
        metrics,
        concurrency=settings.ingest_concurrency,
        max_rows=settings.max_rows,
        clock=clock,
    )
    return Parts(
        catalog=catalog,
        ingest=ingest,
        reader=RecordReader(database),
        labels=Labels(database, metrics, max_rows=settings.max_rows, clock=clock),
        drift_runs=DriftRuns(database, clock),
        alerts=Alerts(database, clock),
        dead_letters=DeadLetters(database),
        stats=Stats(database, catalog),
        limits=Limits(settings.max_body_bytes, settings.max_decoded_bytes),
    )
