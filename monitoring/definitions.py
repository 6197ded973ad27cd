"""alerts.yaml and objectives.yaml as objects. A wrong entry is refused with its place in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

FOLDER = Path(__file__).resolve().parent
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Definition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AlertDefinition(_Definition):
    """`hold` (`for` in the file) is how long the expression must have a result before the alert fires."""

    name: str = Field(pattern=r"^[A-Z][A-Za-z]+$")
    severity: Literal["critical", "warning"]
    hold: str = Field(alias="for", pattern=r"^\d+[smh]$")
    expr: Text
    summary: Text
    description: Text


class Group(_Definition):
    name: str = Field(pattern=r"^[a-z]+$")
    dashboard: str = Field(pattern=r"^pilothouse-[a-z]+$")
    alerts: tuple[AlertDefinition, ...]


class Alerts(_Definition):
    """The whole file. Names are unique, because links and tests go by them."""

    runbooks: Text
    groups: tuple[Group, ...]

    @model_validator(mode="after")
    def _unique(self) -> Alerts:
        names = [a.name for a in self.every()]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"more than one alert is called {', '.join(twice)}")
        return self

    def every(self) -> list[AlertDefinition]:
        return [alert for group in self.groups for alert in group.alerts]

    def annotations(self, group: Group, alert: AlertDefinition) -> dict[str, str]:
        """The texts of an alert wherever it is shown. `$labels` and `$value` are Prometheus' templates."""
        return {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{self.runbooks}#{alert.name.lower()}",
            "dashboard": f"/d/{group.dashboard}",
        }


class Availability(_Definition):
    objective: Share


class Latency(_Definition):
    objective: Share
    seconds: float = Field(gt=0)


class Objectives(_Definition):
    availability: Availability
    latency: Latency


class Definitions(_Definition):
    alerts: Alerts
    objectives: Objectives


def read(folder: Path = FOLDER) -> Definitions:
    """Raises pydantic's ValidationError, which names the place."""
    parts = ("alerts", "objectives")
    texts = {part: (folder / f"{part}.yaml").read_text(encoding="utf-8") for part in parts}
    return Definitions.model_validate({part: yaml.safe_load(text) for part, text in texts.items()})
