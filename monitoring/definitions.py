"""alerts.yaml and objectives.yaml as objects. A wrong entry is refused with its place in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

_PUBLIC_URL = "{{ $externalLabels.public_url }}"  # prometheus.yml has it from the environment
FOLDER = Path(__file__).resolve().parent
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Definition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Consequences(_Definition):
    """What follows from an alert and is not sent while it fires: `alerts` by name, as far as the labels `same` agree.

    `where` narrows it to some of the alerts that cause it, and `of` to some of those that follow: label and value.
    """

    alerts: tuple[str, ...] = Field(min_length=1)
    where: dict[str, str] = {}
    of: dict[str, str] = {}
    same: tuple[str, ...] = ()


class AlertDefinition(_Definition):
    """`hold` (`for` in the file) is how long the expression must have a result before the alert fires, `keep` how long
    it goes on firing without one. `page` and `report` are addresses below the page's own; `details` is a text that
    Prometheus alone can write, because it asks for more series."""

    name: str = Field(pattern=r"^[A-Z][A-Za-z]+$")
    severity: Literal["critical", "warning"]
    hold: str = Field(alias="for", pattern=r"^\d+[smh]$")
    keep: str = Field(default="2m", pattern=r"^\d+[smh]$")
    expr: Text
    summary: Text
    description: Text
    page: Text = "alerts"
    report: Text | None = None
    details: Text | None = None
    silences: tuple[Consequences, ...] = ()

    def annotations(self) -> dict[str, str]:
        """The texts wherever it is shown. `$labels`, `$value` and `$externalLabels` are of Prometheus' templates."""
        report = {"report_url": f"{_PUBLIC_URL}/{self.report}"} if self.report else {}
        return {
            "summary": self.summary,
            "description": self.description,
            "page_url": f"{_PUBLIC_URL}/{self.page}",
            **report,
            "runbook_url": f"{_PUBLIC_URL}/runbooks?alert={self.name}",
        }


class Group(_Definition):
    name: str = Field(pattern=r"^[a-z]+$")
    dashboard: str = Field(pattern=r"^pilothouse-[a-z]+$")
    alerts: tuple[AlertDefinition, ...]


class Alerts(_Definition):
    """The whole file. Names are unique, because links and tests go by them."""

    groups: tuple[Group, ...]

    @model_validator(mode="after")
    def _unique(self) -> Alerts:
        names = [a.name for a in self.every()]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"more than one alert is called {', '.join(twice)}")
        unknown = sorted({n for a in self.every() for c in a.silences for n in c.alerts} - set(names))
        if unknown:
            raise ValueError(f"there is no alert {', '.join(unknown)} to be silenced")
        return self

    def every(self) -> list[AlertDefinition]:
        return [alert for group in self.groups for alert in group.alerts]


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
