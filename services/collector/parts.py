"""The collector's parts, put together once by `app.py` and handed to the routes."""

from __future__ import annotations

from dataclasses import dataclass

from services.collector.alerts import Alerts
from services.collector.catalog import Catalog
from services.collector.dead_letters import DeadLetters
from services.collector.drift_runs import DriftRuns
from services.collector.ingest import Ingest
from services.collector.labels import Labels
from services.collector.reading import RecordReader
from services.collector.stats import Stats


@dataclass(frozen=True, slots=True)
class Limits:
    body_bytes: int
    decoded_bytes: int


@dataclass(frozen=True, slots=True)
class Parts:
    catalog: Catalog
    ingest: Ingest
    reader: RecordReader
    labels: Labels
    drift_runs: DriftRuns
    alerts: Alerts
    dead_letters: DeadLetters
    stats: Stats
    limits: Limits
