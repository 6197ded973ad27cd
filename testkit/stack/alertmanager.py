"""A real Alertmanager (Debian's package `prometheus-alertmanager`), told what fires as Prometheus tells it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from testkit.ports import free_port
from testkit.waiting import wait_for

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
MISSING = PROGRAM is None and os.environ.get("PILOTHOUSE_REQUIRE_ALERTMANAGER") != "1"
RUNBOOK = "https://docs.example/runbooks.md#driftdetected"
_ROUTE = "route: {receiver: all, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"


class Alertmanager:
    """Its address is `url`. It can be killed and started again, with what it kept."""

    def __init__(self, folder: Path, receivers: str | None, prefix: str = "") -> None:
        self.config, self._folder, self._prefix = folder / "alertmanager.yml", folder, prefix
        if receivers is not None:
            self.config.write_text(_ROUTE + receivers)
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}{prefix}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it is ready."""
        assert PROGRAM, "PILOTHOUSE_REQUIRE_ALERTMANAGER=1, and there is no Alertmanager on the PATH"
        command = [PROGRAM, f"--config.file={self.config}", f"--storage.path={self._folder}/data",
                   f"--web.listen-address=127.0.0.1:{self._port}", f"--web.route-prefix={self._prefix or '/'}",
                   "--cluster.listen-address="]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self._is_ready, 60)

    def stop(self) -> None:
        """End it as a machine that is shut down does: it writes down what it knows."""
        if self._process:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def fire(self, ends_at: datetime | None = None, **labels: str) -> None:
        """An alert fires here, or has ended."""
        fire(self.url, ends_at, **labels)

    def post(self, *alerts: dict[str, Any]) -> None:
        """Alerts as the API takes them."""
        httpx2.post(f"{self.url}/api/v2/alerts", json=alerts).raise_for_status()

    def ask(self, path: str) -> Any:
        """The answer of its API, version 2."""
        return httpx2.get(f"{self.url}/api/v2/{path}").raise_for_status().json()

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/-/ready").is_success
        except httpx2.TransportError:
            return False


def fire(url: str, ends_at: datetime | None = None, **labels: str) -> None:
    """Tell the Alertmanager at `url` that an alert of the model houses fires, or has ended."""
    alert = {
        "labels": {"alertname": "DriftDetected", "severity": "warning", "model": "houses", "version": "1"} | labels,
        "annotations": {"summary": "houses drifts", "runbook_url": RUNBOOK},
        "generatorURL": "http://prometheus:9090/graph?g0.expr=x",
        "startsAt": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
    } | ({"endsAt": ends_at.isoformat()} if ends_at else {})
    httpx2.post(f"{url}/api/v2/alerts", json=[alert]).raise_for_status()


@contextmanager
def alertmanager(folder: Path, receivers: str | None = None, prefix: str = "") -> Iterator[Alertmanager]:
    """One that is ready. `receivers` are those of its configuration, as YAML; all alerts go to the one called all.
    Without them, the configuration is in the folder."""
    started = Alertmanager(folder, receivers, prefix)
    try:
        started.start()
        yield started
    finally:
        started.stop()
