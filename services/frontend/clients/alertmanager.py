"""Alertmanager, where there is one: the alerts it holds, who silenced them, and where it sends messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AfterValidator, AliasPath, BaseModel, Field

from pilothouse.errors import PilothouseError
from pilothouse.serving.auth import Keys, Scope
from services.frontend.clients.cache import cached
from services.frontend.clients.connection import Connection
from services.frontend.clients.silences import NewSilence, Silence
from services.frontend.errors import ServiceRefused

TEST_ALERT = "TestMessage"
TEST_SECONDS = 60
_SCOPE: Scope = "ingest"  # as for a label: what people say


def _without_grafanas(labels: dict[str, str]) -> dict[str, str]:
    """Grafana adds labels that say which of its rules an alert is of: they do not make it another alert."""
    return {n: v for n, v in labels.items() if not n.startswith("__") and n != "grafana_folder"}


class HeldAlert(BaseModel):
    """An alert that fires. `silenced_by` are ids of silences, `inhibited_by` fingerprints of alerts."""

    labels: Annotated[dict[str, str], AfterValidator(_without_grafanas)]
    annotations: dict[str, str] = {}
    starts_at: datetime | None = Field(default=None, alias="startsAt")
    fingerprint: str = ""
    silenced_by: tuple[str, ...] = Field(default=(), validation_alias=AliasPath("status", "silencedBy"))
    inhibited_by: tuple[str, ...] = Field(default=(), validation_alias=AliasPath("status", "inhibitedBy"))


class AlertmanagerClient:
    """Its API, version 2. It knows no keys: where the services ask for keys (`keys`), the page asks for the scope
    ingest before it changes anything. A visitor's own `key` is taken in place of the page's (`own_key`). The link in a
    test message begins with the page's `address`."""

    def __init__(self, connection: Connection, keys: Keys, own_key: str | None, address: str) -> None:
        self.connection = connection
        self._keys, self._own_key, self._address = keys, own_key, address

    @property
    def wants_key(self) -> bool:
        """Whether visitors need a key of their own to change anything."""
        try:
            self._permit(None)
        except ServiceRefused:
            return True
        return False

    @cached(seconds=4)
    def alerts(self) -> list[HeldAlert]:
        return self.connection.read(list[HeldAlert], "/api/v2/alerts")

    @cached(seconds=4)
    def silences(self) -> list[Silence]:
        """Those that hold now."""
        everything = self.connection.read(list[Silence], "/api/v2/silences")
        return [silence for silence in everything if silence.state == "active"]

    @cached(seconds=30)
    def configuration(self) -> str:
        """As YAML, with `<secret>` in place of secrets."""
        return self.connection.read(_Status, "/api/v2/status").configuration

    @cached(seconds=4)
    def metrics(self) -> str:
        """The text of its `/metrics`."""
        return self.connection.send("GET", "/metrics").text

    def silence(self, labels: Mapping[str, str], silence: NewSilence, key: str | None = None) -> None:
        """Send no messages of the alert with exactly these labels."""
        self._permit(key)
        self.connection.send("POST", "/api/v2/silences", json=silence.of(labels, datetime.now(UTC)))

    def end(self, silence: str, key: str | None = None) -> None:
        """End the silence with this id. One that has ended and is forgotten is no error."""
        self._permit(key)
        try:
            self.connection.send("DELETE", f"/api/v2/silence/{silence}")
        except ServiceRefused as refusal:
            if "not found" not in refusal.detail:  # 404, and 500 before version 0.26
                raise

    def send_test(self, by: str, key: str | None = None) -> None:
        """Have an alert fire that says it is a test, and is over after a minute."""
        self._permit(key)
        now = datetime.now(UTC)
        annotations = {
            "summary": f"This is a test message, sent by {by} from the page. Nothing is wrong.",
            "description": "It shows that messages arrive, and is over after a minute.",
            "page_url": f"{self._address}/alerts",
        }
        alert: dict[str, Any] = {
            "labels": {"alertname": TEST_ALERT, "severity": "info", "sent": now.isoformat(timespec="seconds")},
            "annotations": annotations,
            "startsAt": now.isoformat(),  # without it, Alertmanager takes the end for the beginning
            "endsAt": (now + timedelta(seconds=TEST_SECONDS)).isoformat(),
        }
        self.connection.send("POST", "/api/v2/alerts", json=[alert])

    def _permit(self, key: str | None) -> None:
        """Raises ServiceRefused where the key may not."""
        used = key or self._own_key
        try:
            self._keys.check(f"Bearer {used}".encode() if used else None, _SCOPE)
        except PilothouseError as error:
            name, status = self.connection.name, HTTPStatus.FORBIDDEN
            raise ServiceRefused(name, self.connection.url, status, title="", detail=str(error), faults=[]) from error


class _Status(BaseModel):
    configuration: str = Field(validation_alias=AliasPath("config", "original"))
