"""The message that the drift alert sends: waited for in the collector's inbox, and shown as it arrived."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from demo.alert_rule import DriftRule, read_rule
from demo.progress import Step
from demo.running_stack import ALERT, RunningStack
from pilothouse.errors import PilothouseError
from pilothouse.wire.alerts import Alert

PATIENCE_SECONDS = 75  # beyond the time that drift has to last: scrape, evaluate, group, deliver


class AlertMessages:
    """Those of the models that the demo let drift; made before it sends anything, to know what fired already."""

    def __init__(self, stack: RunningStack, console: Console) -> None:
        self._stack, self._console = stack, console
        self._earlier = {alert.id for alert in stack.drift_alerts()}
        self._verdicts: dict[str, str] = {}

    def expect(self, verdict: dict[str, Any]) -> None:
        """This verdict is to become a message; later ones on the same model belong to the same alert."""
        self._verdicts.setdefault(verdict["model"], verdict["at"])

    def show(self) -> None:
        """Wait for them, and print each as it arrives, or why none does. Raises PilothouseError."""
        if not self._verdicts:
            return
        try:
            rule = read_rule(self._stack.prometheus)
        except PilothouseError as error:
            self._console.print(f"No message about the drift is waited for: {error}.", highlight=False, soft_wrap=True)
            return
        deadline = time.monotonic() + rule.hold_seconds + PATIENCE_SECONDS
        with Step(self._console, self._waiting(rule)) as step:
            while self._verdicts and time.monotonic() < deadline:
                self._take()
                if self._verdicts:
                    step.say(self._waiting(rule))
                    time.sleep(1)
                    rule = read_rule(self._stack.prometheus)
        for model in self._verdicts:
            self._console.print(
                f"[yellow]No message about {model} came in time[/]; {self._stack.page}/alerts may say why."
            )

    def _take(self) -> None:
        """Print what has arrived."""
        for alert in self._stack.drift_alerts():
            if at := self._verdicts.pop(alert.model or "", None):
                self._console.print(panel(alert, at, repeated=alert.id in self._earlier))

    def _waiting(self, rule: DriftRule) -> str:
        """What is waited for, in words."""
        states = {rule.states.get(model, "inactive") for model in self._verdicts}
        about = " and ".join(self._verdicts)
        if states == {"firing"}:
            return f"{ALERT} of {about} fires: waiting for the message"
        return f"waiting until {about} has drifted for {rule.hold_seconds:.0f} s, so that {ALERT} fires"


def panel(alert: Alert, verdict_at: str, *, repeated: bool) -> Panel:
    """The message: what it says in words, then every other note that came with it."""
    facts = Table.grid(padding=(0, 2))
    notes = {k: v for k, v in alert.annotations.items() if k not in ("summary", "description") and v}
    for name, value in {"severity": alert.severity or "", "since": alert.starts_at or "", **notes}.items():
        facts.add_row(Text(name.removesuffix("_url"), style="dim"), Text(value))
    words = [Text(alert.summary, style="bold"), Text(alert.annotations.get("description", ""))]
    if repeated:
        title = f"{alert.name} has been firing since before this demo, so nobody is told again; it said"
    else:
        title = f"{alert.name} arrived {_seconds_after(verdict_at, alert.received_at):.0f} s after the verdict"
    return Panel(Group(*words, facts), title=title, title_align="left")


def _seconds_after(verdict_at: str, received_at: str | None) -> float:
    moments = [datetime.fromisoformat(text) for text in (verdict_at, received_at or verdict_at)]
    return (moments[1] - moments[0]).total_seconds()
