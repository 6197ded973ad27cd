"""Alerts of all senders as one list: the collector's inbox, Prometheus, and the drift service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from pilothouse.wire.alerts import Alert
from pilothouse.wire.drift import DriftAnswer
from services.frontend import sentences
from services.frontend.clients.prometheus import AlertRule
from services.frontend.formatting import parse_time

DRIFT = "the drift service"
_ORDER = {"firing": 0, "pending": 1, "resolved": 2}


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """One alert. `state` is firing, pending or resolved; `runbook` is as the alert names it, or None."""

    name: str
    state: str
    summary: str
    source: str
    severity: str = ""
    model: str = ""
    since: datetime | None = None
    until: datetime | None = None
    description: str = ""
    runbook: str | None = None


def of_inbox(alerts: Iterable[Alert]) -> list[AlertNotice]:
    return [
        AlertNotice(
            a.name, a.status, a.summary, "the inbox", a.severity or "", f"{a.model or ''} {a.version or ''}".strip(),
            parse_time(a.starts_at), parse_time(a.ends_at),
            a.annotations.get("description", ""), runbook(a.annotations),
        )
        for a in alerts
    ]  # fmt: skip


def of_prometheus(rules: Iterable[AlertRule]) -> list[AlertNotice]:
    """Every alert that a rule has now, firing or still pending."""
    found = []
    for rule in rules:
        for alert in rule.alerts:
            labels, notes = _texts(alert.get("labels")), _texts(alert.get("annotations"))
            model = f"{labels.get('model', '')} {labels.get('version', '')}".strip()
            found.append(
                AlertNotice(
                    rule.name, str(alert.get("state", rule.state)), notes.get("summary", rule.name), "Prometheus",
                    labels.get("severity", rule.labels.get("severity", "")), model,
                    parse_time(str(alert.get("activeAt") or "")), None, notes.get("description", ""), runbook(notes),
                )
            )  # fmt: skip
    return found


def of_drift(answers: Iterable[DriftAnswer]) -> list[AlertNotice]:
    """One for each model that drifted, so that drift is known without a Prometheus."""
    return [
        AlertNotice(
            "Drift", "firing", sentences.drift_headline(a).sentence, DRIFT, "", f"{a.model} {a.version}",
            parse_time(a.at),
        )
        for a in answers
        if a.verdict == "drift"
    ]  # fmt: skip


def merged(*lists: Iterable[AlertNotice]) -> list[AlertNotice]:
    """All of them, firing ones first and of those the newest first.

    What two senders say alike stands once. What the drift service says is left out where an alert of another sender
    already says that the model drifts.
    """
    everything = [n for some in lists for n in some]
    told = {n.model for n in everything if n.name.startswith("Drift") and n.source != DRIFT}
    found: dict[tuple[str, str, str, str], AlertNotice] = {}
    for notice in everything:
        if notice.source != DRIFT or notice.model not in told:
            found.setdefault((notice.name, notice.model, notice.state, notice.summary), notice)
    return sorted(found.values(), key=lambda n: (_ORDER.get(n.state, 3), -(n.since.timestamp() if n.since else 0)))


def runbook(annotations: Mapping[str, str]) -> str | None:
    return annotations.get("runbook_url", "").strip() or None


def followed(address: str | None) -> str | None:
    """The address where a browser may follow it: alerts are data, and `javascript:` is an address too."""
    parts = urlsplit(address or "")
    return address if parts.scheme in ("http", "https") and parts.netloc else None


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}
