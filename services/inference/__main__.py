"""`python -m services.inference`: one process, or the supervisor of several (`PILOTHOUSE_WORKERS`)."""

from __future__ import annotations

import os
import sys

from pilothouse.serving.logs import configure_logs
from pilothouse.serving.settings import read_settings
from pilothouse.serving.workers import Worker, WorkerArguments, supervise
from services.inference.settings import InferenceSettings

# The server's threads and the shipper's take turns with the event loop; this is how long one waits before it asks for
# the interpreter. With CPython's 5 ms a turn of 64 answers could take 0.3 s; at 20 us the threads took it from each
# other so often that a prediction cost a tenth more.
SWITCH_SECONDS = 0.0005


def main() -> None:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before ONNX Runtime is first imported
    settings = read_settings(InferenceSettings)
    configure_logs("inference", settings.log_level, settings.log_format)
    place = WorkerArguments.read(sys.argv[1:])
    if settings.workers > 1 and place is None:
        module = "services.inference"
        raise SystemExit(supervise(module, settings.workers, settings.host, settings.port, settings.stop_seconds))
    work(settings, place)


def work(settings: InferenceSettings, place: WorkerArguments | None) -> None:
    """Serve, alone or in a place among several. What this needs is imported here: a supervisor does without."""
    from prometheus_client import CollectorRegistry

    from pilothouse.serving.server import build, serve
    from services.inference.app import create_app

    registry = CollectorRegistry()
    app = build(lambda: create_app(settings, registry))
    sys.setswitchinterval(SWITCH_SECONDS)
    worker = Worker(place, registry, app.state.readiness) if place else None
    serve(app, settings, worker=worker)


if __name__ == "__main__":
    main()
