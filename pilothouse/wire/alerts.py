"""The inbox of alerts that Alertmanager sent, as `GET /v1/alerts` answers it; and the channels that alerts leave by."""

from __future__ import annotations

import msgspec


class Alert(msgspec.Struct, frozen=True):
    """One alert, from when it began to fire to its end. Times are ISO 8601.

    `status` is `firing`, `resolved`, or `expired` when nobody has repeated it for too long. `labels` and
    `annotations` are as the sender wrote them. The addresses are None where the alert names none that a page may link.
    """

    name: str
    status: str
    summary: str = ""
    severity: str | None = None
    model: str | None = None
    version: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    id: int = 0
    fingerprint: str = ""
    received_at: str | None = None
    silent_seconds: int = 0
    runbook_url: str | None = None
    dashboard_url: str | None = None
    url: str | None = None


class AlertPage(msgspec.Struct, frozen=True):
    """Alerts, the newest first; `next` is the cursor of the following page, None at the end."""

    alerts: list[Alert]
    next: int | None = None


class AlertChannel(msgspec.Struct, frozen=True):
    """One way to a person. `integration` is what Alertmanager's metrics call it (email, slack, pagerduty, msteamsv2,
    webhook), `target` where it leads, without secrets. `why_not` says in words why nothing arrives by it; None where
    nothing speaks against it."""

    integration: str
    target: str
    why_not: str | None = None


class AlertChannels(msgspec.Struct, frozen=True):
    """channels.json beside Alertmanager's configuration: every channel that is set, as it was found at `checked_at`
    (ISO 8601)."""

    checked_at: str
    channels: list[AlertChannel]
