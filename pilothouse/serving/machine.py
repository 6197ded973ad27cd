"""What a service sees of the place it runs in: its process, the memory it may use, the disk its state is on.

Read when Prometheus asks, never before. What does not exist (no limit, no state folder yet) has no series.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pilothouse.serving.settings import ServiceSettings

_CGROUPS = Path("/sys/fs/cgroup")
_NO_LIMIT = 1 << 60  # cgroup v1 says "none" with a number near 2**63


def observe_process(registry: CollectorRegistry, settings: ServiceSettings) -> None:
    """Register what Prometheus is to know of this process and its surroundings."""
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    registry.register(ContainerMemory())
    state = getattr(settings, "state", None)
    if state is not None:
        registry.register(StateDisk(state))
    if settings.host_metrics:
        from pilothouse.serving.host import HostMetrics

        registry.register(HostMetrics())


class ContainerMemory(Collector):
    """Memory of this container and what it may use, from its control group (version 2 or 1), where it has a limit.

    Used is without the page cache that the kernel gives up first, as Docker and Kubernetes count it.
    """

    def __init__(self, root: Path = _CGROUPS) -> None:
        self._root = root

    def describe(self) -> Iterable[GaugeMetricFamily]:
        yield GaugeMetricFamily("pilothouse_memory_limit_bytes", "Memory limit of the container, if it has one.")
        yield GaugeMetricFamily("pilothouse_memory_used_bytes", "Memory that the container uses.")

    def collect(self) -> Iterable[GaugeMetricFamily]:
        found = self._version_2() or self._version_1()
        if found:
            for family, value in zip(self.describe(), found, strict=True):
                family.add_metric((), value)
                yield family

    def _version_2(self) -> tuple[float, float] | None:
        root = self._root
        return _limit_and_used(root / "memory.max", root / "memory.current", root / "memory.stat", "inactive_file")

    def _version_1(self) -> tuple[float, float] | None:
        root = self._root / "memory"
        limit, used = root / "memory.limit_in_bytes", root / "memory.usage_in_bytes"
        return _limit_and_used(limit, used, root / "memory.stat", "total_inactive_file")


class StateDisk(Collector):
    """Size of the disk that a folder is on, and what is available to us there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def describe(self) -> Iterable[GaugeMetricFamily]:
        yield GaugeMetricFamily("pilothouse_state_disk_bytes", "Size of the disk that holds the state folder.")
        yield GaugeMetricFamily(
            "pilothouse_state_disk_available_bytes", "Free space on the disk that holds the state folder."
        )

    def collect(self) -> Iterable[GaugeMetricFamily]:
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            return
        for family, blocks in zip(self.describe(), (disk.f_blocks, disk.f_bavail), strict=True):
            family.add_metric((), blocks * disk.f_frsize)
            yield family


def _limit_and_used(limit: Path, used: Path, statistics: Path, cache: str) -> tuple[float, float] | None:
    """None where there is no such control group, or one without a limit."""
    try:
        most, now = int(limit.read_text()), int(used.read_text())
        lines = dict(line.split() for line in statistics.read_text().splitlines())
        given_up_first = int(lines.get(cache, 0))
    except (OSError, ValueError):  # "max" is no number
        return None
    return (most, max(0, now - given_up_first)) if most < _NO_LIMIT else None
