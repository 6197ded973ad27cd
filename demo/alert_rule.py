"""What Prometheus says of the drift alert: whether it can become a message, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2

from demo.running_stack import ALERT
from pilothouse.errors import PilothouseError


@dataclass(frozen=True, slots=True)
class DriftRule:
    """`hold_seconds`: for how long there must be drift. `states`: "pending" or "firing", by model."""

    hold_seconds: float
    states: dict[str, str]


def read_rule(http: httpx2.Client, prometheus: str) -> DriftRule:
    """The rule as it is now. Raises PilothouseError, with a sentence that says why no message can come."""
    if not _ask(http, prometheus, "alertmanagers")["activeAlertmanagers"]:
        raise PilothouseError(f"the Prometheus at {prometheus} has no Alertmanager to send alerts to")
    rules = [rule for group in _ask(http, prometheus, "rules")["groups"] for rule in group["rules"]]
    for rule in rules:
        if rule["name"] == ALERT:
            states = {alert["labels"].get("model", ""): alert["state"] for alert in rule["alerts"]}
            return DriftRule(rule["duration"], states)
    raise PilothouseError(f"the Prometheus at {prometheus} has no rule {ALERT}: it is not the one of this stack")


def _ask(http: httpx2.Client, prometheus: str, what: str) -> dict[str, Any]:
    try:
        answer = http.get(f"{prometheus}/api/v1/{what}").raise_for_status()
        data: dict[str, Any] = answer.json()["data"]
    except (httpx2.HTTPError, ValueError, LookupError, TypeError) as error:
        raise PilothouseError(f"no Prometheus answers at {prometheus} ({error})") from error
    return data
