"""Whether messages of alerts arrive: by which channels, when the last one went or failed, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from pilothouse.wire.alerts import AlertChannel
from services.frontend.clients.prometheus import Series
from services.frontend.formatting import ago
from services.frontend.sentences import Headline

_NAMES = {"email": "E-mail", "pagerduty": "PagerDuty", "msteams": "Teams", "msteamsv2": "Teams"}
_REASONS = {
    "clientError": "it was refused: is the address, or the key, right?",
    "serverError": "the other side has a fault",
    "contextDeadlineExceeded": "no answer in time",
}
_REQUESTS, _FAILED = "alertmanager_notification_requests_total", "alertmanager_notification_requests_failed_total"
_GIVEN_UP = "alertmanager_notifications_failed_total"
_LAST = "max_over_time(timestamp(sum by (integration) ({rise}) > 0.5)[1d:1m])"
# when each kind of channel last sent something, and last failed to, in seconds since the epoch
LAST_SENT = _LAST.format(rise=f"increase({_REQUESTS}[2m]) - increase({_FAILED}[2m])")
# what fails is tried again until it succeeds, so minutes with both ended well; but the inbox is a webhook too
_ENDED_WELL = f'increase({_REQUESTS}{{integration!="webhook"}}[2m]) - increase({_FAILED}[2m]) > 0.5'
LAST_FAILED = _LAST.format(rise=f"increase({_FAILED}[2m]) unless ({_ENDED_WELL})")
_INBOX = "/v1/alerts"
_DOUBTED = timedelta(hours=1)
_SHARED, _TOGETHER = "webhook", " (of all webhooks, the inbox's too)"


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What Alertmanager's metrics say, by integration: attempts that succeeded and that failed since it was started,
    and why messages were given up, where its version says that. When the last ones were is known where Prometheus
    scrapes it."""

    sent: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    last_sent: Mapping[str, datetime] = field(default_factory=dict)
    last_failed: Mapping[str, datetime] = field(default_factory=dict)


def read_deliveries(page: str) -> Deliveries:
    """`page` is the text of Alertmanager's `/metrics`. Of another text nothing is known."""
    requests: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for sample in _samples(page):
        integration, count = sample.labels.get("integration", ""), int(sample.value)
        if sample.name == _REQUESTS:
            requests[integration] += count
        elif sample.name == _FAILED:
            failed[integration] += count
        elif count and "reason" in sample.labels:
            reasons[integration] = _REASONS.get(sample.labels["reason"], reasons.get(integration, ""))
    return Deliveries({name: requests[name] - failed[name] for name in requests}, failed, reasons)


def last_times(series: Iterable[Series]) -> dict[str, datetime]:
    """Of an answer to one of the queries above, by integration."""
    return {s.metric.get("integration", ""): datetime.fromtimestamp(s.values[-1][1], UTC) for s in series if s.values}


def configured(configuration: str) -> list[AlertChannel]:
    """The channels of Alertmanager's configuration, which is YAML with `<secret>` in place of secrets; the inbox is
    none."""
    found: dict[tuple[str, str], AlertChannel] = {}
    for receiver in _rows(_parsed(configuration).get("receivers")):
        for kind, each in receiver.items():
            for settings in _rows(each):
                channel = AlertChannel(kind.removesuffix("_configs"), _target(settings))
                if not str(settings.get("url", "")).endswith(_INBOX):
                    found[channel.integration, channel.target] = channel
    return list(found.values())


def title(channel: AlertChannel) -> str:
    """What people call it."""
    return _NAMES.get(channel.integration, channel.integration.capitalize())


def headline(channel: AlertChannel, deliveries: Deliveries, now: datetime) -> Headline:
    """Whether the last message arrived, and why not. Channels of one kind are counted together, and the inbox is a
    webhook."""
    name = channel.integration
    sent, failed = deliveries.sent.get(name, 0), deliveries.failed.get(name, 0)
    last_sent, last_failed = deliveries.last_sent.get(name), deliveries.last_failed.get(name)
    why = channel.why_not or deliveries.reasons.get(name) or ""
    sent_since = last_sent and last_failed and last_sent > last_failed
    if last_failed and (not sent_since or (name == _SHARED and now - last_failed < _DOUBTED)):
        said = f"The last message failed {ago(last_failed, now)}"
        return Headline("bad", "Does not arrive", _because(said + (_TOGETHER if name == _SHARED else ""), why))
    if failed and not sent:
        return Headline("bad", "Does not arrive", _because(f"{failed} attempts failed, and none succeeded", why))
    if sent:
        when = f"The last message went {ago(last_sent, now)}" if last_sent else f"{sent} messages went"
        return Headline("good", "Arrives", f"{when}; {failed} attempts failed before." if failed else f"{when}.")
    if channel.why_not:
        return Headline("bad", "Does not arrive", _because("Nothing was sent yet", why))
    return Headline("quiet", "Not used yet", "Nothing was sent yet: send a test message.")


def _samples(page: str) -> list[Sample]:
    """Those of the three counters."""
    try:
        families = list(text_string_to_metric_families(page))
    except ValueError:
        return []
    return [s for family in families for s in family.samples if s.name in (_REQUESTS, _FAILED, _GIVEN_UP)]


def _because(said: str, why: str) -> str:
    return f"{said}: {why}".rstrip(".") + "." if why else f"{said}. Alertmanager's log says why."


def _target(settings: Mapping[str, Any]) -> str:
    """Where it leads, without what may be a secret."""
    if to := settings.get("to") or settings.get("channel"):
        return str(to)
    address = str(settings.get("url") or settings.get("webhook_url") or settings.get("api_url") or "")
    return urlsplit(address).hostname or ""


def _parsed(configuration: str) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(configuration)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _rows(value: object) -> Sequence[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
