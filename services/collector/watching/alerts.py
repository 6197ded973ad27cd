"""Alerts as Grafana's and Alertmanager's webhooks send them, one row for each episode.

An episode is a fingerprint and the time it began. An alert that is sent again and again while it fires is one row,
until it is sent as resolved. Grafana and Alertmanager repeat what fires, every four hours unless set otherwise. An
alert that was not repeated for longer is `expired`, and does not fire for ever.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from operator import eq, ge, lt
from typing import Any, Literal

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Gauge

from pilothouse.errors import Fault
from pilothouse.wire.alerts import Alert
from services.collector.errors import MalformedError, printable
from services.collector.store import tables
from services.collector.store.database import Database, Wanted
from services.collector.store.statements import insert_or_update
from services.collector.times import Clock, now_ms, parse_ms, to_iso

_ALERTS = tables.alerts
_LIMIT = 1000
SEVERITIES = ("critical", "warning", "info", "other")
Status = Literal["firing", "resolved", "expired"]
_NAME, _SUMMARY = 200, 2000
_EPISODE = ("fingerprint", "starts_at")
_CHANGING = ("ends_at", "status", "summary", "severity", "received_at", "body")


class AlertMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._firing = Gauge(
            "pilothouse_collector_alerts_firing",
            "Alerts in the inbox that fire now, by severity.",
            ("severity",),
            registry=registry,
        )
        self.show(())

    def show(self, counts: Iterable[tuple[str | None, int]]) -> None:
        """Severities as the alerts have them, and how many alerts of each."""
        known: Counter[str] = Counter()
        for severity, count in counts:
            known[severity if severity in SEVERITIES else "other"] += count
        for severity in SEVERITIES:
            self._firing.labels(severity).set(known[severity])


class AlertInbox:
    """`expiry_ms`: how long after it was last sent an alert counts as firing."""

    def __init__(
        self, database: Database, metrics: AlertMetrics, *, expiry_ms: int = 9 * 3_600_000, clock: Clock = now_ms
    ) -> None:
        self._database, self._metrics = database, metrics
        self._expiry_ms, self._clock = expiry_ms, clock

    async def store(self, payload: dict[str, Any]) -> int:
        """Keep a webhook's alerts; how many it had. Raises MalformedError naming the field."""
        alerts = payload.get("alerts")
        if not isinstance(alerts, list) or len(alerts) > _LIMIT:
            raise MalformedError(Fault("alerts", "type", f"must be a list of at most {_LIMIT} alerts"))
        now = self._clock()
        rows = [_row(alert, f"alerts[{position}]", now) for position, alert in enumerate(alerts)]
        if rows:
            async with self._database.writing() as connection:
                await self._database.adapter.lock(connection, "alerts")
                for row in rows:
                    statement = insert_or_update(connection, _ALERTS, _EPISODE, _CHANGING, _may_change)
                    await connection.execute(statement.values(row))
                    await connection.execute(_end_earlier(row))
            await self.count()
        return len(rows)

    async def find(
        self, status: Status | None, model: str | None, before: int | None, limit: int
    ) -> tuple[list[Alert], int | None]:
        """Alerts, the newest first, and where to go on (`before`)."""
        now = self._clock()
        oldest = now - self._expiry_ms
        wanted: list[Wanted] = [
            (_ALERTS.c.status, eq, "firing" if status == "expired" else status),
            (_ALERTS.c.model, eq, model),
            (_ALERTS.c.received_at, ge, oldest if status == "firing" else None),
            (_ALERTS.c.received_at, lt, oldest if status == "expired" else None),
        ]
        rows, following = await self._database.newest_first(_ALERTS, wanted, before=before, limit=limit)
        return [_shown(row, now, oldest) for row in rows], following

    async def count(self) -> None:
        """Tell the gauge how many fire: alerts expire, and other collectors take them in. Raises UnavailableError."""
        firing = sa.and_(_ALERTS.c.status == "firing", _ALERTS.c.received_at >= self._clock() - self._expiry_ms)
        statement = sa.select(_ALERTS.c.severity, sa.func.count()).where(firing).group_by(_ALERTS.c.severity)
        async with self._database.reading() as connection:
            self._metrics.show([(severity, count) for severity, count in await connection.execute(statement)])


def _may_change(new: Any) -> sa.ColumnElement[bool]:
    """An episode that has ended stays so, when a late `firing` comes after its end."""
    return sa.or_(_ALERTS.c.status == "firing", new.status == "resolved")


def _end_earlier(row: dict[str, Any]) -> sa.Update:
    """An alert that begins again has ended before, even if its end was never sent: the sender may have restarted."""
    same = sa.and_(_ALERTS.c.fingerprint == row["fingerprint"], _ALERTS.c.starts_at < row["starts_at"])
    ended = {"status": "resolved", "ends_at": row["starts_at"]}
    return sa.update(_ALERTS).where(same, _ALERTS.c.status == "firing").values(ended)


def _row(alert: Any, path: str, now: int) -> dict[str, Any]:
    if not isinstance(alert, dict):
        raise MalformedError(Fault(path, "type", "must be an object"))
    labels, notes = _strings(alert, "labels", path), _strings(alert, "annotations", path)
    status = alert.get("status")
    if status not in ("firing", "resolved"):
        raise MalformedError(Fault(f"{path}.status", "type", "must be firing or resolved"))
    starts_at = _moment(alert.get("startsAt"), f"{path}.startsAt")
    ends_at = _moment(alert.get("endsAt"), f"{path}.endsAt") if status == "resolved" else None
    name = _name(labels)
    return {
        "fingerprint": _fingerprint(alert, labels),
        "starts_at": now if starts_at is None else starts_at,
        "ends_at": now if status == "resolved" and ends_at is None else ends_at,
        "status": status,
        "name": _plain(name, _NAME),
        "severity": _optional(labels, "severity"),
        "model": _optional(labels, "model"),
        "version": _optional(labels, "version"),
        "summary": _plain(notes.get("summary") or notes.get("description") or name, _SUMMARY),
        "received_at": now,
        "body": json.dumps(alert, ensure_ascii=True),
    }


def _name(labels: dict[str, str]) -> str:
    """Grafana calls every rule whose query fails or finds nothing alike, and names the rule in another label."""
    name = labels.get("alertname") or "alert"
    return f"{labels['rulename']} ({name})" if name.startswith("Datasource") and labels.get("rulename") else name


def _strings(alert: dict[str, Any], key: str, path: str) -> dict[str, str]:
    value = alert.get(key) or {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise MalformedError(Fault(f"{path}.{key}", "type", "must be an object of texts"))
    return value


def _fingerprint(alert: dict[str, Any], labels: dict[str, str]) -> str:
    given = alert.get("fingerprint")
    if isinstance(given, str) and given:
        return printable(given, 64)
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]


def _moment(value: Any, path: str) -> int | None:
    """Go's zero time, the year 1, says that there is none."""
    if value in (None, "") or (isinstance(value, str) and value.startswith("0001-")):
        return None
    try:
        return parse_ms(value) if isinstance(value, str) else int("")
    except ValueError:
        raise MalformedError(Fault(path, "not_a_time", "must be ISO 8601")) from None


def _optional(labels: dict[str, str], key: str) -> str | None:
    return _plain(labels[key], _NAME) if labels.get(key) else None


def _plain(text: str, length: int) -> str:
    """Text that both databases can hold; an alert is worth more than its oddest character."""
    return text[:length].replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _shown(row: sa.Row[Any], now: int, oldest: int) -> Alert:
    """`runbook_url` and `dashboard_url` are None where the alert names none, and where they are no addresses."""
    alert = json.loads(row.body)
    notes = alert.get("annotations") or {}
    dashboard = notes.get("dashboard") or notes.get("dashboard_url") or alert.get("dashboardURL")
    return Alert(
        id=row.seq,
        fingerprint=row.fingerprint,
        status="expired" if row.status == "firing" and row.received_at < oldest else row.status,
        name=row.name,
        severity=row.severity,
        model=row.model,
        version=row.version,
        summary=row.summary,
        starts_at=to_iso(row.starts_at),
        ends_at=None if row.ends_at is None else to_iso(row.ends_at),
        received_at=to_iso(row.received_at),
        silent_seconds=max(now - row.received_at, 0) // 1000,
        labels=alert.get("labels") or {},
        annotations=notes,
        runbook_url=_address(notes.get("runbook_url")),
        dashboard_url=_address(dashboard),
        url=_address(alert.get("generatorURL")),
    )


def _address(value: Any) -> str | None:
    """Only what a page may make a link of; `javascript:` is none."""
    return value if isinstance(value, str) and value.startswith(("http://", "https://", "/")) else None
