"""The composition root of the collector: its parts, its lifespan, its routes and its error table."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from pilothouse.archive import open_archive
from pilothouse.serving.problem import Entry, ErrorTable
from pilothouse.serving.readiness import Readiness
from pilothouse.serving.service import create_service
from pilothouse.serving.spans import Spans
from services.collector import errors
from services.collector.adapter import Adapter
from services.collector.alerts import Alerts
from services.collector.archive.archiver import Archiver, Plan
from services.collector.archive.ledger import Ledger
from services.collector.archive.metrics import ArchiveMetrics
from services.collector.catalog import Catalog
from services.collector.cockroach import Cockroach
from services.collector.database import PART, Database, keep_ready
from services.collector.dead_letters import DeadLetters
from services.collector.drift_runs import DriftRuns
from services.collector.events.inbox import Inbox
from services.collector.events.joining import Events
from services.collector.ingest import Ingest
from services.collector.labels import Labels
from services.collector.leases import Leases
from services.collector.maintenance import Maintenance
from services.collector.metrics import CollectorMetrics
from services.collector.moment import Clock, now_ms
from services.collector.parts import Limits, Parts
from services.collector.performance_runs import PerformanceRuns
from services.collector.postgres import Postgres
from services.collector.reading import RecordReader
from services.collector.routes.archive import archive_router
from services.collector.routes.cloudevents import cloudevents_router
from services.collector.routes.labels import labels_router
from services.collector.routes.leases import leases_router
from services.collector.routes.models import models_router
from services.collector.routes.records import records_router
from services.collector.routes.watching import watching_router
from services.collector.settings import COCKROACH, CollectorSettings
from services.collector.sizes import Sizes
from services.collector.sqlite import Sqlite
from services.collector.stats import StatsReader

DESCRIPTION = "The one writer and reader of the database: records, labels, alerts, drift results."
ERRORS: ErrorTable = {
    errors.MalformedError: Entry(422, "malformed", "Malformed request"),
    errors.TooLargeError: Entry(413, "too-large", "Too large"),
    errors.UnsupportedError: Entry(415, "unsupported", "Unsupported media type or encoding"),
    errors.UnknownModelError: Entry(404, "unknown-model", "Unknown model version"),
    errors.SchemaConflictError: Entry(409, "schema-conflict", "Known with other columns"),
    errors.NoArchiveError: Entry(409, "no-archive", "There is no archive"),
    errors.UnavailableError: Entry(503, "unavailable", "Database not available", {"Retry-After": "2"}),
}


def create_app(
    settings: CollectorSettings, registry: CollectorRegistry | None = None, clock: Clock = now_ms
) -> FastAPI:
    """Raises DatabaseAddressError or ArchiveAddressError when a URL is not one.

    A database or an archive that is down raises nothing here.
    """
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
        archived_only=settings.archive_url is not None,
        clock=clock,
    )
    metrics.watch_pool(database.connections_in_use, database.connections_at_most)
    sizes = Sizes(database, catalog, metrics)

    archiver = archiver_of(settings, database, catalog, registry, clock)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(keep_ready(database, readiness, metrics), name="database"),
            asyncio.create_task(maintenance.keep(), name="maintenance"),
            asyncio.create_task(sizes.keep(), name="sizes"),
            asyncio.create_task(parts.events.keep(database.migrated), name="events"),
            asyncio.create_task(parts.alerts.keep_counting(database.migrated), name="alerts"),
        ]
        if parts.archiver is not None:
            tasks.append(asyncio.create_task(parts.archiver.keep(), name="archive"))
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
    parts = assemble(settings, database, catalog, metrics, archiver=archiver, spans=app.state.spans, clock=clock)
    app.state.parts, app.state.maintenance = parts, maintenance
    for router in (
        records_router,
        cloudevents_router,
        models_router,
        labels_router,
        watching_router,
        archive_router,
        leases_router,
    ):
        app.include_router(router(parts))
    return app


def connect(settings: CollectorSettings) -> Adapter:
    """The adapter for the database's URL; nothing is reached yet."""
    url = settings.database()
    pool, timeout = settings.database_pool, settings.database_timeout
    if url.drivername == COCKROACH:
        return Cockroach(url, pool=pool, timeout_seconds=timeout)
    if url.get_backend_name() == "postgresql":
        return Postgres(url, pool=pool, timeout_seconds=timeout, partitions=settings.database_partitions == "on")
    return Sqlite(url, pool=pool, timeout_seconds=timeout)


def archiver_of(
    settings: CollectorSettings, database: Database, catalog: Catalog, registry: CollectorRegistry, clock: Clock
) -> Archiver | None:
    """None where there is no archive. Raises ArchiveAddressError."""
    if settings.archive_url is None:
        return None
    plan = Plan(settings.archive_delay_hours, settings.archive_refresh_hours, settings.retention_days)
    archive = open_archive(settings.archive_url)
    return Archiver(archive, database, catalog, ArchiveMetrics(registry), plan=plan, clock=clock)


def assemble(
    settings: CollectorSettings,
    database: Database,
    catalog: Catalog,
    metrics: CollectorMetrics,
    *,
    archiver: Archiver | None,
    spans: Spans | None,
    clock: Clock,
) -> Parts:
    ingest = Ingest(
        database,
        catalog,
        metrics,
        concurrency=settings.ingest_concurrency,
        max_rows=settings.max_rows,
        spans=spans,
        clock=clock,
    )
    wait_ms = settings.event_wait_seconds * 1000
    events = Events(
        Inbox(database, wait_ms),
        catalog,
        ingest,
        metrics.of_events,
        wait_ms=wait_ms,
        max_rows=settings.max_rows,
        clock=clock,
    )
    return Parts(
        catalog=catalog,
        ingest=ingest,
        events=events,
        reader=RecordReader(database),
        labels=Labels(database, metrics, max_rows=settings.max_rows, clock=clock),
        drift_runs=DriftRuns(database, clock),
        performance_runs=PerformanceRuns(database, clock),
        alerts=Alerts(database, metrics.of_alerts, expiry_ms=int(settings.alert_expiry_hours * 3_600_000), clock=clock),
        dead_letters=DeadLetters(database),
        leases=Leases(database, clock),
        stats=StatsReader(database, catalog),
        ledger=archiver.ledger if archiver else Ledger(database, clock),
        archiver=archiver,
        limits=Limits(settings.max_body_bytes, settings.max_decoded_bytes, settings.searched_rows),
    )
