"""Alerts of all senders as one list: Alertmanager, Prometheus, the collector's inbox, and the drift service."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlsplit

from pilothouse.wire.alerts import Alert
from pilothouse.wire.drift import DriftAnswer
from services.frontend import sentences
from services.frontend.clients.alertmanager import HeldAlert
from services.frontend.clients.prometheus import AlertRule
from services.frontend.clients.silences import Silence
from services.frontend.formatting import parse_time

DRIFT, INBOX = "the drift service", "the inbox"
Labels = frozenset[tuple[str, str]]
_STATES = ("firing", "pending", "acknowledged", "snoozed", "consequence", "perhaps over", "resolved", "expired")
_ORDER = {state: place for place, state in enumerate(_STATES)}


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """One alert. `state` is one of those above; `runbook` is as the alert names it, or None.

    `labels` tell it from others; an alert without any cannot be silenced. `silences` say who did that. Of a
    consequence, `cause` names the alert that keeps it silent.
    """

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
    labels: Mapping[str, str] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    cause: str = ""

    @property
    def label_set(self) -> Labels:
        return frozenset((name, value) for name, value in self.labels.items() if value)

    @property
    def key(self) -> str:
        """The same for the same alert, in whatever order alerts come."""
        told = sorted(self.label_set) or (self.name, self.model, self.source)
        return sha256(repr(told).encode()).hexdigest()[:16]


def of_inbox(alerts: Iterable[Alert]) -> list[AlertNotice]:
    return [
        AlertNotice(
            a.name, a.status, a.summary, INBOX, a.severity or "", f"{a.model or ''} {a.version or ''}".strip(),
            parse_time(a.starts_at), parse_time(a.ends_at),
            a.annotations.get("description", ""), runbook(a.annotations), a.labels,
        )
        for a in alerts
    ]  # fmt: skip


def of_prometheus(rules: Iterable[AlertRule]) -> list[AlertNotice]:
    """Every alert that a rule has now, firing or still pending."""
    found = []
    for rule in rules:
        for alert in rule.alerts:
            labels, notes = _texts(alert.get("labels")), _texts(alert.get("annotations"))
            state, since = str(alert.get("state", rule.state)), parse_time(str(alert.get("activeAt") or ""))
            found.append(replace(_described(rule.name, state, "Prometheus", labels, notes), since=since))
    return found


def of_alertmanager(alerts: Sequence[HeldAlert], silences: Iterable[Silence]) -> list[AlertNotice]:
    """Every alert that it holds, with who silenced it, or with the alert that keeps it silent. One that Prometheus and
    Grafana both send stands once."""
    by_id, by_fingerprint = {s.id: s for s in silences}, {a.fingerprint: a for a in alerts}
    found: dict[str, AlertNotice] = {}
    for alert in sorted(alerts, key=lambda a: not a.inhibited_by):  # of two alike, the one that is not held back stays
        name, state = alert.labels.get("alertname", "alert"), "consequence" if alert.inhibited_by else "firing"
        notice = _described(name, state, "Alertmanager", alert.labels, alert.annotations)
        kept = tuple(by_id[each] for each in alert.silenced_by if each in by_id)
        causes = [_named(by_fingerprint[each].labels) for each in alert.inhibited_by if each in by_fingerprint]
        found[notice.key] = replace(notice, since=alert.starts_at, silences=kept, cause=", ".join(causes))
    return list(found.values())


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


def doubted(alerts: Iterable[AlertNotice], rules: Iterable[AlertRule]) -> list[AlertNotice]:
    """Alerts of the inbox; those that Prometheus has a rule for are perhaps over, unless others say that they fire.

    No message is sent of an alert that ends while it is silenced, so the inbox does not hear of its end.
    """
    judged = {rule.name for rule in rules}
    return [replace(a, state="perhaps over") if a.name in judged else a for a in alerts]


def merged(*lists: Iterable[AlertNotice], silences: Iterable[Silence] = ()) -> list[AlertNotice]:
    """All of them, firing ones first, of those the critical ones, and of those the newest.

    What two senders say alike stands once, as the one says that comes first. A sender may add labels of its own. What
    the drift service says is left out where an alert of another sender already says that the model drifts.
    """
    seen: defaultdict[str, list[Labels]] = defaultdict(list)
    found: list[AlertNotice] = []
    for notices in lists:
        new = {n.key: n for n in notices if not _is_told(n, seen[n.name])}
        found += new.values()
        for notice in new.values():
            seen[notice.name].append(notice.label_set)
    told = {n.model for n in found if n.name.startswith("Drift") and n.source != DRIFT}
    shown = _silenced([n for n in found if n.source != DRIFT or n.model not in told], silences)
    return sorted(shown, key=_place)


def runbook(annotations: Mapping[str, str]) -> str | None:
    return annotations.get("runbook_url", "").strip() or None


def followed(address: str | None) -> str | None:
    """The address where a browser may follow it: alerts are data, and `javascript:` is an address too."""
    parts = urlsplit(address or "")
    return address if parts.scheme in ("http", "https") and parts.netloc else None


def _place(notice: AlertNotice) -> tuple[int, bool, float]:
    since = notice.since.timestamp() if notice.since else 0
    return _ORDER.get(notice.state, len(_ORDER)), notice.severity != "critical", -since


def _is_told(notice: AlertNotice, earlier: Iterable[Labels]) -> bool:
    mine = notice.label_set
    return bool(mine) and any(mine <= other or other <= mine for other in earlier if other)


def _silenced(notices: Iterable[AlertNotice], silences: Iterable[Silence]) -> list[AlertNotice]:
    """With the silences that Alertmanager names, and with those of exactly this alert: it may just have restarted."""
    exact: defaultdict[Labels | None, list[Silence]] = defaultdict(list)
    for silence in silences:
        exact[silence.alert].append(silence)
    found = []
    for notice in notices:
        kept = {s.id: s for s in (*notice.silences, *(exact[notice.label_set] if notice.labels else ()))}
        state = "acknowledged" if any(s.acknowledged for s in kept.values()) else "snoozed"
        holds = kept and notice.state in ("firing", "pending", "consequence")
        found.append(replace(notice, state=state, silences=tuple(kept.values())) if holds else notice)
    return found


def _described(name: str, state: str, source: str, labels: Mapping[str, str], notes: Mapping[str, str]) -> AlertNotice:
    model = f"{labels.get('model', '')} {labels.get('version', '')}".strip()
    return AlertNotice(
        name, state, notes.get("summary", name), source, labels.get("severity", ""), model,
        description=notes.get("description", ""), runbook=runbook(notes), labels=labels,
    )  # fmt: skip


def _named(labels: Mapping[str, str]) -> str:
    """An alert in a few words, as "ServiceDown of drift"."""
    of = labels.get("model") or labels.get("job") or ""
    return f"{labels.get('alertname', 'an alert')}{' of ' if of else ''}{of}"


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}
