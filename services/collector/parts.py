"""The collector's parts, put together once by `app.py` and handed to the routes."""

from __future__ import annotations

from dataclasses import dataclass

from services.collector.alerts import Alerts
from services.collector.archive.archiver import Archiver
from services.collector.archive.ledger import Ledger
from services.collector.catalog import Catalog
from services.collector.dead_letters import DeadLetters
from services.collector.drift_runs import DriftRuns
from services.collector.events.joining import Events
from services.collector.ingest import Ingest
from services.collector.labels import Labels
from services.collector.leases import Leases
from services.collector.performance_runs import PerformanceRuns
from services.collector.reading import RecordReader
from services.collector.stats import StatsReader


@dataclass(frozen=True, slots=True)
class Limits:
    body_bytes: int
    decoded_bytes: int
    searched_rows: int


@dataclass(frozen=True, slots=True)
class Parts:
    catalog: Catalog
    ingest: Ingest
    events: Events
    reader: RecordReader
    labels: Labels
    drift_runs: DriftRuns
    performance_runs: PerformanceRuns
    alerts: Alerts
    leases: Leases
    dead_letters: DeadLetters
    stats: StatsReader
    ledger: Ledger
    archiver: Archiver | None
    limits: Limits
