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
from services.drift.archive.reader import ArchiveReader
from services.drift.archive.records import ArchivedRecords
from services.drift.baseline import Baselines
from services.drift.catalog import Catalog
from services.drift.collector import HttpRecords
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
from services.drift.monitor import Monitor
from services.drift.parts import Parts
from services.drift.performance.gauges import PerformanceMetrics
from services.drift.performance.knowledge import KnowledgeBase
from services.drift.performance.loss_model import LossModel
from services.drift.performance.routes import router as performance
from services.drift.performance.watch import PerformanceWatch
from services.drift.reports import Reports
from services.drift.routes import router
from services.drift.schedule import Schedule
from services.drift.settings import DriftSettings
from services.drift.shapes.routes import router as shapes
from services.drift.shapes.viewer import Viewer
from services.drift.store import Store
from services.drift.thresholds import Thresholds
from services.drift.worker import Worker, WorkerLimits

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
        source = _source(settings)
        report_metrics = ReportMetrics(registry)
        limits = WorkerLimits(
            settings.report_timeout_seconds, settings.report_memory_bytes, settings.report_retire_bytes
        )
        worker = Worker(limits, report_metrics, os.environ)
        leader = Leader(f"{socket.gethostname()}/{uuid.uuid4()}", source.lease, LeaderMetrics(registry))
        app.state.parts = parts = _assemble(
            settings, registry, source, worker, report_metrics, leader=leader, spans=app.state.spans
        )
        await leader.begin()
        announcer = Announcer(parts.catalog.packages, source.announce, AnnouncerMetrics(registry))
        loops = (parts.schedule.keep_running, announcer.keep_running, leader.keep_running)
        tasks = [asyncio.create_task(loop()) for loop in loops]
        readiness.ready("schedule")
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await parts.reports.close()
        await parts.performance.close()
        await worker.stop()
        await leader.give_up()
        await source.close()

    app = create_service(
        "drift",
        DESCRIPTION,
        settings=settings,
        registry=registry,
        readiness=readiness,
        lifespan=lifespan,
        errors=ERRORS,
    )
    app.include_router(router)
    app.include_router(shapes)
    app.include_router(performance)
    return app


def _source(settings: DriftSettings) -> HttpRecords:
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
    worker: Worker,
    report_metrics: ReportMetrics,
    *,
    leader: Leader,
    spans: Spans | None,
) -> Parts:
    catalog = Catalog(settings.models)
    baselines = Baselines(Store(settings.state / "drift", Thresholds))
    monitor = Monitor(records, baselines, now_ms)
    store = Store(settings.state / "drift" / "performance", LossModel)
    knowledge = KnowledgeBase(baselines, worker, store, time.monotonic)
    watch = PerformanceWatch(records, knowledge, PerformanceMetrics(registry), now_ms, leader.leads)
    metrics = DriftMetrics(registry, now_ms)
    schedule = Schedule(catalog, monitor, records, metrics, performance=watch, leads=leader.leads, spans=spans)
    reports = Reports(monitor, records, worker, report_metrics)
    return Parts(catalog, monitor, schedule, reports, records, Viewer(records, baselines), watch, now_ms)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
