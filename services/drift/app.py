"""The drift service, put together."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from pilothouse.web.problem import Entry, ErrorTable
from pilothouse.web.readiness import Readiness
from pilothouse.web.service import create_service
from services.drift.baseline import Baselines
from services.drift.catalogue import Catalogue
from services.drift.collector import HttpRecords
from services.drift.errors import (
    CollectorAwayError,
    ModelNeededError,
    ReferenceFault,
    ReportError,
    UnknownModelError,
    UnknownReportError,
    WindowError,
)
from services.drift.metrics import DriftMetrics, ReportMetrics
from services.drift.monitor import Monitor
from services.drift.parts import Parts
from services.drift.reports import Reports
from services.drift.routes import router
from services.drift.schedule import Schedule
from services.drift.settings import DriftSettings
from services.drift.threshold_store import ThresholdStore
from services.drift.worker import Worker, WorkerLimits

DESCRIPTION = "Compares what is logged with what the model was trained on: scores all the time, reports on demand."
ERRORS: ErrorTable = {
    UnknownModelError: Entry(404, "unknown-model", "No such model"),
    ModelNeededError: Entry(422, "model-needed", "Several models: say which"),
    WindowError: Entry(422, "invalid-window", "No such window"),
    ReferenceFault: Entry(503, "reference", "The reference cannot be used"),
    CollectorAwayError: Entry(503, "collector-away", "The records cannot be read now", {"Retry-After": "5"}),
    ReportError: Entry(503, "report-failed", "The report could not be made", {"Retry-After": "30"}),
    UnknownReportError: Entry(404, "unknown-report", "No such report"),
}


def create_app(settings: DriftSettings, registry: CollectorRegistry | None = None) -> FastAPI:
    """The app. The scheduler begins when it starts; the report worker when the first report is asked for."""
    registry = registry or CollectorRegistry()
    readiness = Readiness("schedule")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        source = HttpRecords(settings.collector_url, settings.own_key(), settings.collector_timeout_seconds)
        report_metrics = ReportMetrics(registry)
        limits = WorkerLimits(
            settings.report_timeout_seconds, settings.report_memory_bytes, settings.report_retire_bytes
        )
        worker = Worker(limits, report_metrics, os.environ)
        app.state.parts = parts = _assemble(settings, registry, source, worker, report_metrics)
        schedule = asyncio.create_task(parts.schedule.keep_running())
        readiness.ready("schedule")
        yield
        schedule.cancel()
        with suppress(asyncio.CancelledError):
            await schedule
        await parts.reports.close()
        await worker.stop()
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
    return app


def _assemble(
    settings: DriftSettings,
    registry: CollectorRegistry,
    records: HttpRecords,
    worker: Worker,
    report_metrics: ReportMetrics,
) -> Parts:
    catalogue = Catalogue(settings.models)
    monitor = Monitor(records, Baselines(ThresholdStore(settings.state / "drift")), now_ms)
    schedule = Schedule(catalogue, monitor, records, DriftMetrics(registry, now_ms))
    return Parts(catalogue, monitor, schedule, Reports(monitor, records, worker, report_metrics), records, now_ms)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
