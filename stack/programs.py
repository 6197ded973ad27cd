"""The services as programs of the stack, in the order of the flow of data, which is the reverse of their stopping.

The collector comes first and is stopped last, so that a stopping inference can still hand over what it has logged.
"""

from __future__ import annotations

import sys

from stack.program import Program, reachable
from stack.settings import StackSettings

# ONNX Runtime, Evidently and Streamlit would report their use to their makers; the first reads its switch at import
QUIET = {
    "ORT_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}


def stack_programs(settings: StackSettings) -> list[Program]:
    """The services with the addresses of each other. Without a database URL the collector keeps SQLite in the state."""
    host = settings.host
    shared = QUIET | {
        "PYTHONUNBUFFERED": "1",
        "PILOTHOUSE_HOST": host,
        "PILOTHOUSE_STATE": str(settings.state.resolve()),
        "PILOTHOUSE_MODELS": str(settings.models.resolve()),
        "PILOTHOUSE_LOG_FORMAT": settings.log_format,
        "PILOTHOUSE_INFERENCE_URL": f"http://{reachable(host)}:{settings.inference_port}",
        "PILOTHOUSE_COLLECTOR_URL": f"http://{reachable(host)}:{settings.collector_port}",
        "PILOTHOUSE_DRIFT_URL": f"http://{reachable(host)}:{settings.drift_port}",
        "PILOTHOUSE_HOST_METRICS": "false",
    }

    def service(name: str, port: int, purpose: str, page: str = "/docs", **more: str) -> Program:
        variable = f"{name.upper()}_PORT"
        command = (sys.executable, "-m", f"services.{name}")
        return Program(
            name,
            command,
            port,
            variable,
            environment=shared | {variable: str(port)} | more,
            host=host,
            page=page,
            purpose=purpose,
        )

    one_of_them = {"PILOTHOUSE_HOST_METRICS": str(settings.host_metrics).lower()}
    return [
        service("collector", settings.collector_port, "keeps every prediction, labels, drift results", **one_of_them),
        service("inference", settings.inference_port, "predictions over HTTP"),
        service("drift", settings.drift_port, "drift scores and reports"),
        service("frontend", settings.frontend_port, "the page for people", "/"),
    ]
