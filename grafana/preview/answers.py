"""What Prometheus answers to a panel's queries, with names as Grafana makes them of the legend."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_POINTS = 240


@dataclass(frozen=True, slots=True)
class Series:
    """`points` are (seconds since the epoch, value), in order; an instant answer has one."""

    name: str
    points: list[tuple[float, float]]

    @property
    def last(self) -> float:
        return self.points[-1][1]


class Prometheus:
    """`now` is the end of what is shown, in seconds since the epoch, and `minutes` its length."""

    def __init__(self, url: str, now: float, minutes: float) -> None:
        self._url, self.end, self.begin = url.rstrip("/"), now, now - 60 * minutes

    def ask(self, panel: dict[str, Any], chosen: Mapping[str, str]) -> list[Series]:
        """Every series of a panel that has a number in it. Variables that are not `chosen` are all. Raises OSError."""
        found = []
        for target in panel["targets"]:
            expression = re.sub(r"\$(\w+)", lambda name: chosen.get(name[1], ".*"), target["expr"])
            for one in self._query(expression, instant=target["instant"]):
                points = [(float(t), float(v)) for t, v in one.get("values") or [one["value"]] if v not in _NO_NUMBERS]
                if points:
                    found.append(Series(_name(target["legendFormat"], one["metric"]), points))
        return found

    def values(self, label: str) -> list[str]:
        """What a label is, of those models that there are."""
        answer = self._query(f"group by ({label}) (pilothouse_model_state)", instant=True)
        return sorted(one["metric"][label] for one in answer)

    def _query(self, expression: str, *, instant: bool) -> list[dict[str, Any]]:
        step = max(5, (self.end - self.begin) / _POINTS)
        span: dict[str, Any] = {"start": self.begin, "end": self.end, "step": step}
        parameters = {"query": expression} | ({"time": self.end} if instant else span)
        path = "query" if instant else "query_range"
        address = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        if not address.startswith(("http://", "https://")):
            raise ValueError(f"{self._url}: not the address of a Prometheus")
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - http, as checked
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return result


_NO_NUMBERS = frozenset({"NaN", "+Inf", "-Inf"})


def _name(legend: str, labels: dict[str, str]) -> str:
    if legend == "__auto":
        return ", ".join(v for k, v in labels.items() if k != "__name__") or "value"
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend)
