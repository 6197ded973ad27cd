"""The parts that the routes use, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.drift.catalog import Catalog
from services.drift.monitor import Monitor
from services.drift.performance.watch import PerformanceWatch
from services.drift.records import Records
from services.drift.reports import Reports
from services.drift.schedule import Schedule
from services.drift.shapes.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Parts:
    """`clock` gives milliseconds since the epoch."""

    catalog: Catalog
    monitor: Monitor
    schedule: Schedule
    reports: Reports
    records: Records
    viewer: Viewer
    performance: PerformanceWatch
    clock: Callable[[], int]
