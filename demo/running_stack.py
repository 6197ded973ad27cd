"""The stack that the demo talks to: its addresses, and what it is asked."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Self

import httpx2
import msgspec

from pilothouse.commands.connection import address, api_key, headers, page_address
from pilothouse.commands.verdicts import score
from pilothouse.errors import PilothouseError
from pilothouse.manifest import Manifest
from pilothouse.wire.alerts import Alert, AlertPage
from pilothouse.wire.models import Stats

ALERT = "DriftDetected"


@dataclass(frozen=True, slots=True)
class RunningStack:
    """Addresses as seen from here, but `page`, which is as people reach it; `http` makes the calls."""

    http: httpx2.Client
    inference: str
    collector: str
    drift: str
    prometheus: str
    page: str
    key: str | None = None

    @classmethod
    def found(cls, http: httpx2.Client) -> Self:
        """Where the environment or `.env` says that it is. Raises PilothouseError."""
        inference, collector, drift = address("inference"), address("collector"), address("drift")
        return cls(http, inference, collector, drift, address("prometheus"), page_address(), api_key())

    def stored(self, manifest: Manifest) -> int:
        """Records of this model version in the database. Raises PilothouseError."""
        models = msgspec.json.decode(self._read("/v1/stats"), type=Stats).models
        return sum(m.records for m in models if (m.model, m.version) == (manifest.name, manifest.version))

    def await_stored(self, manifest: Manifest, wanted: int, seconds: float = 60) -> None:
        """Wait until the collector holds as many records. Raises PilothouseError when it takes too long."""
        deadline = time.monotonic() + seconds
        while (have := self.stored(manifest)) < wanted:
            if time.monotonic() > deadline:
                raise PilothouseError(f"the collector holds {have} of {wanted} records after {seconds:.0f} s")
            time.sleep(0.2)

    def judge(self, manifest: Manifest, rows: int) -> tuple[dict[str, Any], bool]:
        """The verdict on the newest `rows`, and whether the model's own window drifts, which is what alerts watch.

        Scoring that window now spares the wait for the service's next round. Raises PilothouseError.
        """
        own = score(self.drift, manifest.name, None, self.key, manifest.version)
        same = rows == manifest.monitoring.window_rows
        verdict = own if same else score(self.drift, manifest.name, f"rows={rows}", self.key, manifest.version)
        return verdict, own["verdict"] == "drift"

    def drift_alerts(self) -> list[Alert]:
        """The drift alerts that fire now, as they arrived in the inbox, newest first. Raises PilothouseError."""
        page = msgspec.json.decode(self._read("/v1/alerts?status=firing&limit=1000"), type=AlertPage)
        return [alert for alert in page.alerts if alert.name == ALERT]

    def _read(self, path: str) -> bytes:
        try:
            answer = self.http.get(f"{self.collector}{path}", headers=headers(self.key))
        except httpx2.HTTPError as error:
            raise PilothouseError(f"{self.collector}: {error}") from error
        if answer.status_code in (401, 403):
            asked = "PILOTHOUSE_API_KEY or PILOTHOUSE_API_KEY_FILE must be a key that may predict, read and ingest"
            raise PilothouseError(f"{self.collector}: {answer.status_code}: {asked}")
        if not answer.is_success:
            raise PilothouseError(f"{self.collector}: {answer.status_code}: {answer.text[:300]}")
        return answer.content
