"""The message that the drift alert sends: waited for in the collector's inbox, and shown as it arrived."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from demo.alert_rule import DriftRule, read_rule
from demo.progress import Step
from demo.running_stack import ALERT, RunningStack
from pilothouse.errors import PilothouseError
from pilothouse.wire.alerts import Alert


class AlertMessages:
    """Those of the models that the demo let drift; made before it sends anything, to know what fired already.

    `patience_seconds`: beyond the time that drift has to last, for what scrapes, evaluates, groups and delivers.
    """

    def __init__(self, stack: RunningStack, console: Console, patience_seconds: float = 60) -> None:
        self._stack, self._console, self._patience_seconds = stack, console, patience_seconds
        self._earlier = {alert.id for alert in stack.drift_alerts()}
        self._verdicts: dict[tuple[str | None, str | None], str] = {}

    def expect(self, verdict: dict[str, Any]) -> None:
        """This verdict is to become a message; later ones on the same model belong to the same alert."""
        self._verdicts.setdefault((verdict["model"], verdict["version"]), verdict["at"])

    def show(self) -> None:
        """Wait for them, and print each as it arrives, or why none does. Raises PilothouseError."""
        if not self._verdicts:
            return
        try:
            rule = read_rule(self._stack.http, self._stack.prometheus)
        except PilothouseError as error:
            self._console.print(f"No message about the drift is waited for: {error}.")
            return
        self._take()
        if self._verdicts:
            self._wait(rule)
        for model, _ in self._verdicts:
            self._console.print(
                f"[yellow]No message about {model} came in time[/]; {self._stack.page}/alerts may say why."
            )

    def _wait(self, rule: DriftRule) -> None:
        """Take them as they come, until all are here or it takes too long."""
        deadline = time.monotonic() + rule.hold_seconds + self._patience_seconds
        with Step(self._console, self._waiting(rule)) as step:
            while self._verdicts and time.monotonic() < deadline:
                step.say(self._waiting(rule))
                time.sleep(1)
                with suppress(PilothouseError):  # it may be starting again
                    rule = read_rule(self._stack.http, self._stack.prometheus)
                self._take()

    def _take(self) -> None:
        """Print what has arrived."""
        for alert in self._stack.drift_alerts():
            if at := self._verdicts.pop((alert.model, alert.version), None):
                self._print(alert, _seconds_after(at, alert.received_at))

    def _print(self, alert: Alert, seconds: float) -> None:
        about = f"[bold red]{alert.name}[/] of {alert.model}"
        if alert.id in self._earlier:
            self._console.print(f"{about} has fired since before this demo, so nobody is told again. The message was:")
        else:
            self._console.print(f"{about}: the message arrived {seconds:.0f} s after the verdict:")
        for line in message(alert):
            self._console.print(f"  {line}", markup=False)

    def _waiting(self, rule: DriftRule) -> str:
        """What is waited for, in words."""
        models = [str(model) for model, _ in self._verdicts]
        states = {rule.states.get(model, "inactive") for model in models}
        about = " and ".join(models)
        if states == {"firing"}:
            return f"{ALERT} of {about} fires: waiting for the message"
        return f"waiting for {ALERT} of {about}: it fires after {rule.hold_seconds:.0f} s of drift"


def message(alert: Alert) -> list[str]:
    """What it says, line by line: in words, since when, and every other note that came with it."""
    notes = {name: text.strip() for name, text in alert.annotations.items() if text.strip()}
    notes.pop("summary", None)
    words = [alert.summary, *(notes.pop(name, "") for name in ("description", "details"))]
    facts = {"severity": alert.severity, "since": _moment(alert.starts_at)} | notes
    lines = [line for text in words for line in text.splitlines()]
    return [*lines, *(f"{name.removesuffix('_url')}: {text}" for name, text in facts.items() if text)]


def _moment(iso: str | None) -> str:
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if iso else ""


def _seconds_after(verdict_at: str, received_at: str | None) -> float:
    moments = [datetime.fromisoformat(text) for text in (verdict_at, received_at or verdict_at)]
    return (moments[1] - moments[0]).total_seconds()
