"""By which channels alerts leave, as Alertmanager's set-up found them (channels.json), for the page and as a metric."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pilothouse.wire.alerts import AlertChannels


def read_channels(path: Path | None) -> AlertChannels | None:
    """What the file says; None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=AlertChannels) if path else None
    except (OSError, msgspec.MsgspecError):
        return None


class AlertChannelMetrics(Collector):
    """Reads the file again at every scrape, because the set-up may run again."""

    def __init__(self, registry: CollectorRegistry, path: Path | None = None) -> None:
        self._path = path
        registry.register(self)

    def describe(self) -> list[GaugeMetricFamily]:
        return [self._family()]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = self._family()
        if state := read_channels(self._path):
            for channel in state.channels:
                family.add_metric([channel.integration], float(channel.why_not is None))
        yield family

    @staticmethod
    def _family() -> GaugeMetricFamily:
        text = "1 when a channel of alerts could be used at its check, 0 when none leaves by it."
        return GaugeMetricFamily("pilothouse_page_alert_channel_works", text, labels=["integration"])
