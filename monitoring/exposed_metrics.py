"""Every metric that a service exposes, read off the objects that its code really builds.

There is no second list of names: dashboards, rules, tests and docs are held to this one.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from pilothouse.serving.machine import observe_process
from pilothouse.serving.metrics import HttpMetrics
from pilothouse.serving.settings import ServiceSettings
from pilothouse.serving.spans import span_counter
from pilothouse.serving.workers import own_metrics

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("inference", "collector", "drift", "frontend")
TARGET_LABELS = frozenset({"job", "instance"})  # what Prometheus adds to all that it scrapes
_CLASS = re.compile(r"^class \w+Metrics\b", re.MULTILINE)
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
_MOST_LABELS = 8


@dataclass(frozen=True, slots=True)
class Metric:
    """`name` is without the suffixes of its kind, as prometheus_client keeps it."""

    name: str
    kind: str
    text: str
    labels: tuple[str, ...]

    @property
    def shown(self) -> str:
        """As people write it: a counter with its `_total`."""
        return f"{self.name}_total" if self.kind == "counter" else self.name

    @property
    def series(self) -> dict[str, frozenset[str]]:
        """Names in Prometheus, each with its labels."""
        more = {"_bucket": {"le"}} if self.kind == "histogram" else {}
        return {self.name + s: frozenset(self.labels) | more.get(s, set()) for s in _SUFFIXES.get(self.kind, ("",))}


class RecordingRegistry(CollectorRegistry):
    """Remembers what was registered."""

    def __init__(self) -> None:
        super().__init__()
        self.collectors: list[Collector] = []

    def register(self, collector: Collector) -> None:
        super().register(collector)
        self.collectors.append(collector)


def exposed() -> dict[str, frozenset[str]]:
    """Every series of every service with its labels, those that Prometheus adds included."""
    every = [*shared_metrics(), *(m for service in SERVICES for m in metrics_of(service))]
    return {name: labels | TARGET_LABELS for m in every for name, labels in m.series.items()}


def metrics_of(service: str) -> list[Metric]:
    """What a service exposes beside `shared_metrics`."""
    found: dict[str, Metric] = {}
    for kind in _metric_classes(service):
        registry = RecordingRegistry()
        arguments = {"clock": lambda: 0} if "clock" in inspect.signature(kind).parameters else {}
        kind(registry=registry, **arguments)
        found |= {m.name: m for m in read(registry)}
    common = {m.name for m in shared_metrics()}
    return [found[name] for name in sorted(found.keys() - common)]


def shared_metrics() -> list[Metric]:
    """What every service exposes, with everything switched on."""
    registry = RecordingRegistry()
    observe_process(registry, _Everything(port=0))
    HttpMetrics(registry)
    span_counter(registry)
    return sorted([*read(registry), *_of_workers()], key=lambda m: m.name)


def read(registry: RecordingRegistry) -> list[Metric]:
    """The metrics of all that was registered, with the labels that they are declared with."""
    found = [Metric(f.name, f.type, f.documentation, _labels(f)) for c in registry.collectors for f in _families(c)]
    return sorted(found, key=lambda m: m.name)


def _families(collector: Any) -> list[Any]:
    """Of a metric with labels, with one sample, which shows them."""
    if hasattr(collector, "labels"):
        for count in range(1, _MOST_LABELS):
            with suppress(ValueError):  # it wants another number of labels, or none
                collector.labels(*"?" * count)
    elif hasattr(collector, "describe"):
        return list(collector.describe())
    return list(collector.collect())


def _labels(family: Any) -> tuple[str, ...]:
    if not family.samples:
        value = ([("+Inf", 0)], 0) if family.type == "histogram" else (0,)
        family.add_metric("?" * _MOST_LABELS, *value)
    return tuple(dict.fromkeys(name for sample in family.samples for name in sample.labels if name != "le"))


def _of_workers() -> list[Metric]:
    """What the supervisor of a service with several workers adds to what they say."""
    return [
        Metric(f.name, f.kind, f.text, tuple(label for _, labels, _ in f.samples for label, _ in labels))
        for f in own_metrics(0, 0)
    ]


def _metric_classes(service: str) -> Iterator[type[Any]]:
    """Classes called `...Metrics`, wherever they are, that are built on a registry."""
    for path in sorted((ROOT / "services" / service).rglob("*.py")):
        if not _CLASS.search(path.read_text(encoding="utf-8")):
            continue
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        own = [k for k in vars(module).values() if inspect.isclass(k) and k.__module__ == module.__name__]
        yield from (kind for kind in own if "registry" in inspect.signature(kind).parameters)


class _Everything(ServiceSettings):
    """A service with all that can be switched on."""

    host_metrics: bool = True
    state: Path = ROOT
