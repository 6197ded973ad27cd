"""The collector's components, put together once and handed to the routes."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from pilothouse.archive import open_archive
from pilothouse.serving.spans import Spans
from services.collector.archive.archiver import ArchiveMetrics, ArchivePlan, Archiver
from services.collector.archive.ledger import Ledger
from services.collector.events.inbox import EventInbox
from services.collector.events.joining import Events
from services.collector.events.outcomes import EventMetrics
from services.collector.labels.labels import Labels
from services.collector.labels.waiting import WaitingLabels
from services.collector.maintenance.rounds import Maintenance
from services.collector.maintenance.sizes import Sizes
from services.collector.metrics import CollectorMetrics
from services.collector.records.dead_letters import DeadLetters
from services.collector.records.ingest import Ingest
from services.collector.records.reading import RecordReader
from services.collector.records.stats import StatsReader
from services.collector.settings import CollectorSettings
from services.collector.store.adapter import Adapter
from services.collector.store.database import Database
from services.collector.store.postgres import Postgres
from services.collector.store.registry import ModelRegistry
from services.collector.store.sqlite import Sqlite
from services.collector.times import Clock
from services.collector.watching.alerts import AlertInbox, AlertMetrics
from services.collector.watching.leases import Leases
from services.collector.watching.runs import DriftRunStore, PerformanceRunStore

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Limits:
    body_bytes: int
    decoded_bytes: int
    searched_rows: int


@dataclass(frozen=True, slots=True)
class Components:
    database: Database
    models: ModelRegistry
    ingest: Ingest
    events: Events
    reader: RecordReader
    labels: Labels
    waiting_labels: WaitingLabels
    drift_runs: DriftRunStore
    performance_runs: PerformanceRunStore
    alerts: AlertInbox
    leases: Leases
    dead_letters: DeadLetters
    stats: StatsReader
    ledger: Ledger
    archiver: Archiver | None
    maintenance: Maintenance
    sizes: Sizes
    metrics: CollectorMetrics
    limits: Limits


def connect(settings: CollectorSettings) -> Adapter:
    """The adapter for the database's URL; nothing is reached yet. Raises DatabaseAddressError."""
    url = settings.database()
    pool, timeout = settings.database_pool, settings.database_timeout
    if url.get_backend_name() == "postgresql":
        return Postgres(url, pool=pool, timeout_seconds=timeout, partitions=settings.database_partitions == "on")
    return Sqlite(url, pool=pool, timeout_seconds=timeout)


def assemble(settings: CollectorSettings, registry: CollectorRegistry, spans: Spans | None, clock: Clock) -> Components:
    """Nothing is reached yet. Raises DatabaseAddressError or ArchiveAddressError."""
    database = Database(connect(settings), timeout_seconds=settings.database_timeout)
    models, metrics = ModelRegistry(database, clock), CollectorMetrics(registry)
    metrics.watch_pool(database.connections_in_use, database.connections_at_most)
    max_rows, wait_ms = settings.max_rows, settings.event_wait_seconds * 1000
    ingest = Ingest(
        database,
        models,
        metrics,
        concurrency=settings.ingest_concurrency,
        max_rows=max_rows,
        spans=spans,
        clock=clock,
    )
    events = Events(
        EventInbox(database, wait_ms),
        models,
        ingest,
        EventMetrics(registry),
        wait_ms=wait_ms,
        max_rows=max_rows,
        clock=clock,
    )
    maintenance = Maintenance(
        database,
        models,
        metrics,
        retention_days=settings.retention_days,
        history_days=settings.history_days,
        archived_only=settings.archive_url is not None,
        clock=clock,
    )
    expiry_ms = int(settings.alert_expiry_hours * HOUR_MS)
    archiver = _archiver(settings, database, models, registry, clock)
    return Components(
        database=database,
        models=models,
        ingest=ingest,
        events=events,
        reader=RecordReader(database),
        labels=Labels(
            database, models, metrics, max_rows=max_rows, retention_days=settings.retention_days, clock=clock
        ),
        waiting_labels=WaitingLabels(database, models, metrics, clock),
        drift_runs=DriftRunStore(database, clock),
        performance_runs=PerformanceRunStore(database, clock),
        alerts=AlertInbox(database, AlertMetrics(registry), expiry_ms=expiry_ms, clock=clock),
        leases=Leases(database, clock),
        dead_letters=DeadLetters(database),
        stats=StatsReader(database, models),
        ledger=archiver.ledger if archiver else Ledger(database, clock),
        archiver=archiver,
        maintenance=maintenance,
        sizes=Sizes(database, models, metrics),
        metrics=metrics,
        limits=Limits(settings.max_body_bytes, settings.max_decoded_bytes, settings.searched_rows),
    )


def _archiver(
    settings: CollectorSettings, database: Database, models: ModelRegistry, registry: CollectorRegistry, clock: Clock
) -> Archiver | None:
    if settings.archive_url is None:
        return None
    plan = ArchivePlan(settings.archive_delay_hours, settings.archive_refresh_hours, settings.retention_days)
    archive = open_archive(settings.archive_url)
    return Archiver(archive, database, models, ArchiveMetrics(registry), plan=plan, clock=clock)
