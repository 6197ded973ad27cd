"""What OpenTelemetry's export costs a prediction: `python -m bench.telemetry`.

One client, one connection, the house-prices model, the service and its client in this process; the setting off and on
in turns, with a receiver that takes every span. CPU seconds of the whole process (client and receiver too) a request.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx2
from prometheus_client import CollectorRegistry

from services.inference.app import create_app
from services.inference.settings import InferenceSettings
from testkit.fakes import FakeCollector
from testkit.otlp import receiving
from testkit.serving import serving

REQUESTS, ROUNDS = 400, 6


def main() -> None:
    with receiving() as (endpoint, spans):
        measured: dict[str, list[float]] = {"off": [], "on": []}
        for _ in range(ROUNDS):
            for name, address in (("off", None), ("on", endpoint)):
                measured[name].append(cpu_seconds(address))
        off, on = (statistics.median(measured[name]) for name in ("off", "on"))
        said = f"a request: off {off * 1e6:.0f} µs, on {on * 1e6:.0f} µs of CPU, ratio {on / off:.2f}"
        sys.stderr.write(f"{said}; {len(spans)} spans came\n")


def cpu_seconds(endpoint: str | None) -> float:
    with tempfile.TemporaryDirectory() as folder:
        settings = InferenceSettings(
            port=0, models=Path("models"), state=Path(folder), otlp_endpoint=endpoint, drain_seconds=0.1
        )
        with serving(create_app(settings, CollectorRegistry(), FakeCollector())) as url, httpx2.Client() as client:
            body = client.get(f"{url}/models/house-prices").json()["examples"][0]
            address = f"{url}/models/house-prices/predict"
            client.post(address, json=body).raise_for_status()
            begun = time.process_time()
            for _ in range(REQUESTS):
                client.post(address, json=body).raise_for_status()
            return (time.process_time() - begun) / REQUESTS


if __name__ == "__main__":
    main()
