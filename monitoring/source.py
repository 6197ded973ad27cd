"""alerts.yaml and objectives.yaml as objects, refused with the place that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

FOLDER = Path(__file__).resolve().parent
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Alert(_Part):
    """`hold` (`for` in the file) is how long the expression must give something before the alert fires."""

    name: str = Field(pattern=r"^[A-Z][A-Za-z]+$")
    severity: Literal["critical", "warning"]
    hold: str = Field(alias="for", pattern=r"^\d+[smh]$")
    expr: Text
    summary: Text
    description: Text


class Group(_Part):
    name: str = Field(pattern=r"^[a-z]+$")
    dashboard: str = Field(pattern=r"^pilothouse-[a-z]+$")
    alerts: tuple[Alert, ...]


class Alerts(_Part):
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

    def every(self) -> list[Alert]:
        return [alert for group in self.groups for alert in group.alerts]

    def annotations(self, group: Group, alert: Alert) -> dict[str, str]:
        """What is said of an alert wherever it is shown. `$labels` and `$value` are Prometheus' templates."""
        return {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{self.runbooks}#{alert.name.lower()}",
            "dashboard": f"/d/{group.dashboard}",
        }


class _Availability(_Part):
    objective: float = Field(gt=0, lt=1)


class _Latency(_Availability):
    seconds: float = Field(gt=0)


class Objectives(_Part):
    availability: _Availability
    latency: _Latency


@dataclass(frozen=True, slots=True)
class Source:
    alerts: Alerts
    objectives: Objectives


def read(folder: Path = FOLDER) -> Source:
    """Raises pydantic's ValidationError, which names the place."""
    alerts = Alerts.model_validate(yaml.safe_load((folder / "alerts.yaml").read_text(encoding="utf-8")))
    objectives = yaml.safe_load((folder / "objectives.yaml").read_text(encoding="utf-8"))
    return Source(alerts, Objectives.model_validate(objectives))
