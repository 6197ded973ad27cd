"""The inference service, put together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from pilothouse.errors import InputError, NotAnImage, OutputError, TooLarge
from pilothouse.model import Model
from pilothouse.package import Package
from pilothouse.serving.asgi import RsgiToAsgi
from pilothouse.serving.problem import Entry, ErrorTable
from pilothouse.serving.readiness import Readiness
from pilothouse.serving.service import SHARED_ERRORS, create_service
from pilothouse.serving.spans import Spans
from services.inference import oip_routes
from services.inference.catalog import Catalog, Load, RolesFile
from services.inference.collector import Collector, HttpCollector
from services.inference.errors import (
    BodyTooLargeError,
    ExternalModelError,
    MediaTypeError,
    NotLoggedError,
    RolesError,
    SpoolError,
    StoppingError,
    UnknownModelError,
)
from services.inference.journal import Journal
from services.inference.metrics import PredictionMetrics, SpoolMetrics
from services.inference.openapi import install_openapi
from services.inference.predict import PredictHandler
from services.inference.predictor import Predictor, blank_inputs
from services.inference.routes import admin, router
from services.inference.settings import InferenceSettings

FOLLOW_SECONDS = 1.0
DESCRIPTION = "Predicts with packed models, and logs every prediction durably before it answers."
ERRORS: ErrorTable = {
    UnknownModelError: Entry(404, "unknown-model", "No such model"),
    ExternalModelError: Entry(404, "served-elsewhere", "The model is served elsewhere"),
    InputError: Entry(422, "invalid-input", "The input does not fit the model"),
    NotAnImage: Entry(422, "not-an-image", "The input is no image that the model takes"),
    TooLarge: Entry(413, "too-large", "The input is too large"),
    BodyTooLargeError: Entry(413, "too-large", "The body is too large"),
    MediaTypeError: Entry(415, "media-type", "The content type does not fit the model"),
    TimeoutError: Entry(408, "timeout", "The body did not arrive in time"),
    OutputError: Entry(500, "model-failed", "The model could not answer"),
    RolesError: Entry(503, "roles", "Which version answers cannot be read"),
    StoppingError: Entry(503, "stopping", "The service is stopping", {"Retry-After": "5"}),
    NotLoggedError: Entry(503, "not-logged", "The prediction could not be logged", {"Retry-After": "5"}),
}


def create_app(
    settings: InferenceSettings, registry: CollectorRegistry | None = None, collector: Collector | None = None
) -> FastAPI:
    """The app, and before it the handler of predictions. It loads the models and opens the spool when it starts."""
    registry = registry or CollectorRegistry()
    readiness = Readiness("models", "spool")
    catalog = Catalog(RolesFile(settings.state / "roles.json"), default=settings.default_model)
    executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix="model")
    predictions, spool_metrics = PredictionMetrics(registry), SpoolMetrics(registry)
    predictions.watch_states(catalog.states)

    @asynccontextmanager
    async def lifespan(service: FastAPI) -> AsyncIterator[None]:
        url = settings.collector_url
        remote = collector or HttpCollector(
            url, settings.own_key(), settings.collector_timeout_seconds, settings.identity(url)
        )
        try:
            journal = Journal(settings, remote, spool_metrics, app.state.spans)
        except SpoolError as error:
            readiness.blocked("spool", str(error))
            readiness.blocked("models", "not loaded: predictions could not be logged")
            yield
            return
        readiness.ready("spool")
        journal.start()
        catalog.load_all(settings.models, _loader(settings, journal, predictions, executor, app.state.spans))
        _report_models(readiness, catalog, settings.models, predictions)
        journal.tell(catalog.loaded_states())
        following = asyncio.create_task(_follow_roles(catalog, journal))
        yield
        following.cancel()
        await asyncio.to_thread(journal.close, service.state.stopping.left())
        executor.shutdown(wait=False)

    app = create_service(
        "inference",
        DESCRIPTION,
        settings=settings,
        registry=registry,
        readiness=readiness,
        lifespan=lifespan,
        errors=ERRORS,
    )
    app.state.catalog = catalog
    app.state.readiness, app.state.settings = readiness, settings
    app.include_router(router)
    app.include_router(admin)
    app.include_router(oip_routes.router)
    install_openapi(app, catalog)
    app.state.handler = PredictHandler(
        RsgiToAsgi(app),
        catalog=catalog,
        settings=settings,
        keys=app.state.keys,
        hosts=app.state.hosts,
        requests=app.state.requests,
        errors={**SHARED_ERRORS, **ERRORS},
        executor=executor,
    )
    return app


def _loader(
    settings: InferenceSettings,
    journal: Journal,
    metrics: PredictionMetrics,
    executor: ThreadPoolExecutor,
    spans: Spans | None,
) -> Load:
    def load(package: Package) -> Predictor:
        begun = time.perf_counter()
        model = Model(package, settings.threads, settings.max_rows)
        manifest = package.manifest
        predictor = Predictor(
            model,
            journal.log,
            metrics.of_model(manifest.name, manifest.version),
            schema=journal.register(manifest),
            inline_seconds=settings.inline_milliseconds / 1000,
            strict=settings.strict,
            executor=executor,
            spans=spans,
        )
        predictor.warm_up(blank_inputs(model))
        metrics.loaded(manifest.name, manifest.version, time.perf_counter() - begun, ok=True)
        return predictor

    return load


async def _follow_roles(catalog: Catalog, journal: Journal) -> None:
    """Until it is cancelled: a version activated at one of several replicas answers at all of them, and is watched."""
    log = structlog.get_logger("catalog")
    while True:
        await asyncio.sleep(FOLLOW_SECONDS)
        try:
            await asyncio.to_thread(catalog.follow)
            journal.tell(catalog.loaded_states())
        except (RolesError, OSError) as error:
            log.warning("which version answers could not be read; it stays as it is", why=str(error))


def _report_models(readiness: Readiness, catalog: Catalog, folder: Path, metrics: PredictionMetrics) -> None:
    for failure in catalog.failures:
        metrics.loaded(failure.name, failure.version, 0, ok=False)
    if any(True for _ in catalog) or (catalog.external and not catalog.failures):
        readiness.ready("models")
        return
    reasons = "; ".join(f.reason for f in catalog.failures)
    readiness.blocked("models", reasons or f"there is no package in {folder} (NAME/VERSION/manifest.yaml)")
