"""Alertmanager's silences as the page makes and reads them: an alert is acknowledged or snoozed, by whom and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import AliasPath, BaseModel, Field

ACKNOWLEDGED_FOR = timedelta(days=1)
SNOOZES = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "open": timedelta(days=3650)}
NAME_CHARACTERS, REASON_CHARACTERS = 60, 500
_MARK = "Acknowledged: "  # a silence has no labels of its own, and Alertmanager's own page shows this text
_ENDLESS = timedelta(days=1825)
# where an alert lacks one of these, the silence asks for it to be lacking: a matcher says nothing of other labels
_TELLING_APART = ("model", "version", "column", "job", "instance")


class Matcher(BaseModel):
    """One condition on an alert's labels. An empty `value` asks for the label to be lacking."""

    name: str
    value: str
    is_regex: bool = Field(default=False, alias="isRegex")
    is_equal: bool = Field(default=True, alias="isEqual")

    def __str__(self) -> str:
        operator = ("!" if not self.is_equal else "=") + ("~" if self.is_regex else "" if self.is_equal else "=")
        return f'{self.name}{operator}"{self.value}"'


class Silence(BaseModel):
    """Alerts that match all `matchers` send no messages until `ends_at`. `state` is active, pending or expired."""

    id: str
    matchers: tuple[Matcher, ...] = ()
    by: str = Field(default="", alias="createdBy")
    comment: str = ""
    ends_at: datetime = Field(alias="endsAt")
    state: str = Field(default="", validation_alias=AliasPath("status", "state"))

    @property
    def acknowledged(self) -> bool:
        """Whether somebody said to look after the alert; else it is only to be quiet."""
        return self.comment.startswith(_MARK)

    @property
    def reason(self) -> str:
        return self.comment.removeprefix(_MARK)

    def until(self, now: datetime) -> datetime | None:
        """When it ends by itself; None for one that somebody has to end."""
        return None if self.ends_at - now > _ENDLESS else self.ends_at

    @property
    def alert(self) -> frozenset[tuple[str, str]] | None:
        """The labels of the one alert that it is about; None where it is about whatever matches."""
        if any(m.is_regex or not m.is_equal for m in self.matchers):
            return None
        return frozenset((m.name, m.value) for m in self.matchers if m.value)


@dataclass(frozen=True, slots=True)
class NewSilence:
    """What a person decided about an alert: who, why, for how long, and whether somebody looks after it."""

    by: str
    reason: str
    lasts: timedelta
    acknowledged: bool

    def of(self, labels: Mapping[str, str], now: datetime) -> dict[str, Any]:
        """What Alertmanager is sent, for the alert with these labels and no alert that has more of them.

        It begins when Alertmanager takes it, whatever the clocks say: a beginning in the past is now.
        """
        lacking = {name: "" for name in _TELLING_APART if not labels.get(name)}
        return {
            "matchers": [{"name": n, "value": v, "isRegex": False} for n, v in sorted({**labels, **lacking}.items())],
            "startsAt": (now - timedelta(minutes=5)).isoformat(),
            "endsAt": (now + self.lasts).isoformat(),
            "createdBy": self.by,
            "comment": (_MARK if self.acknowledged else "") + self.reason,
        }
