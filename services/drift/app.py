"""The drift service, put together."""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from pilothouse.serving.problem import Entry, ErrorTable
from pilothouse.serving.readiness import Readiness
from pilothouse.serving.service import create_service
from pilothouse.serving.spans import Spans
from services.drift.announcer import Announcer
from services.drift.answering import Answering
from services.drift.archive.reader import ArchiveReader
from services.drift.archive.records import ArchivedRecords
from services.drift.collector import HttpRecords
from services.drift.distributions import WindowPictures
from services.drift.errors import (
    CollectorAwayError,
    ModelNeededError,
    NoEmbeddingError,
    ReferenceFault,
    ReportError,
    ReportsBusyError,
    UnknownColumnError,
    UnknownModelError,
    UnknownReportError,
    WindowError,
)
from services.drift.leader import Leader
from services.drift.metrics import AnnouncerMetrics, DriftMetrics, LeaderMetrics, ReportMetrics
from services.drift.monitor import DriftMonitor
from services.drift.packages import WatchedPackages
from services.drift.performance.gauges import PerformanceMetrics
from services.drift.performance.learned_reference import LearnedReferences
from services.drift.performance.loss_model import LossModel
from services.drift.performance.monitor import PerformanceMonitor
from services.drift.reference.baseline import Baselines
from services.drift.reference.thresholds import Thresholds
from services.drift.report.reports import Reports
from services.drift.routes import drift, performance, report
from services.drift.routes.request import DriftService
from services.drift.schedule import Scheduler
from services.drift.settings import DriftSettings
from services.drift.store import Store
from services.drift.worker import ReportWorker, WorkerLimits

DESCRIPTION = "Compares what is logged with what the model was trained on: scores all the time, reports on demand."
ERRORS: ErrorTable = {
    UnknownModelError: Entry(404, "unknown-model", "No such model"),
    ModelNeededError: Entry(422, "model-needed", "Several models: say which"),
    WindowError: Entry(422, "invalid-window", "No such window"),
    UnknownColumnError: Entry(422, "unknown-column", "No such column"),
    NoEmbeddingError: Entry(404, "no-embedding", "No embedding to show"),
    ReferenceFault: Entry(503, "reference", "The reference cannot be used"),
    CollectorAwayError: Entry(503, "collector-away", "The records cannot be read now", {"Retry-After": "5"}),
    ReportError: Entry(503, "report-failed", "The report could not be made", {"Retry-After": "30"}),
    ReportsBusyError: Entry(503, "reports-busy", "Too many reports are being made", {"Retry-After": "10"}),
    UnknownReportError: Entry(404, "unknown-report", "No such report"),
}


def create_app(settings: DriftSettings, registry: CollectorRegistry | None = None) -> FastAPI:
    """The app. The scheduler begins when it starts; the report worker when the first report is asked for."""
    registry = registry or CollectorRegistry()
    readiness = Readiness("schedule")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        records = _records(settings)
        worker_metrics = ReportMetrics(registry)
        limits = WorkerLimits(
            settings.report_timeout_seconds, settings.report_memory_bytes, settings.report_retire_bytes
        )
        worker = ReportWorker(limits, worker_metrics, os.environ)
        leader = Leader(f"{socket.gethostname()}/{uuid.uuid4()}", records.lease, LeaderMetrics(registry))
        app.state.drift = service = _assemble(
            settings, registry, records, worker, worker_metrics, leader=leader, spans=app.state.spans
        )
        await leader.begin()
        announcer = Announcer(service.packages.packages, records.announce, AnnouncerMetrics(registry))
        loops = (service.schedule.keep_running, announcer.keep_running, leader.keep_running)
        tasks = [asyncio.create_task(loop()) for loop in loops]
        readiness.ready("schedule")
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await service.reports.close()
        await service.performance.close()
        await worker.stop()
        await leader.give_up()
        await records.close()

    app = create_service(
        "drift",
        DESCRIPTION,
        settings=settings,
        registry=registry,
        readiness=readiness,
        lifespan=lifespan,
        errors=ERRORS,
    )
    for routes in (drift, report, performance):
        app.include_router(routes.router)
    return app


def _records(settings: DriftSettings) -> HttpRecords:
    url, timeout = settings.collector_url, settings.collector_timeout_seconds
    if settings.archive_url is None:
        return HttpRecords(url, settings.own_key(), timeout, settings.identity(url))
    reader = ArchiveReader(
        settings.archive_url, timeout_seconds=settings.archive_timeout_seconds, environment=os.environ
    )
    return ArchivedRecords(url, settings.own_key(), timeout, settings.identity(url), reader=reader)


def _assemble(
    settings: DriftSettings,
    registry: CollectorRegistry,
    records: HttpRecords,
    worker: ReportWorker,
    worker_metrics: ReportMetrics,
    *,
    leader: Leader,
    spans: Spans | None,
) -> DriftService:
    packages, state = WatchedPackages(settings.models), settings.state / "drift"
    baselines = Baselines(Store(state, Thresholds))
    monitor = DriftMonitor(records, baselines, now_ms)
    references = LearnedReferences(baselines, worker, Store(state / "performance", LossModel), time.monotonic)
    performance = PerformanceMonitor(records, references, PerformanceMetrics(registry), now_ms, leader.leads)
    metrics = DriftMetrics(registry, now_ms)
    return DriftService(
        packages=packages,
        answering=Answering(packages, records, monitor.newest),
        monitor=monitor,
        schedule=Scheduler(
            packages, monitor, records, metrics, performance=performance, leads=leader.leads, spans=spans
        ),
        reports=Reports(monitor, records, worker, worker_metrics),
        records=records,
        pictures=WindowPictures(records, baselines),
        performance=performance,
        clock=now_ms,
    )


def now_ms() -> int:
    return time.time_ns() // 1_000_000
