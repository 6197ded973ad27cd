"""What the whole machine does, for where no node-exporter runs (`make run`, Cloud Run): `PILOTHOUSE_HOST_METRICS`.

One service a machine is enough, several would say the same several times. Counters are the kernel's own, so that
Prometheus takes the rate of them and nothing is lost between two scrapes.
"""

from __future__ import annotations

from collections.abc import Iterable

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

Family = CounterMetricFamily | GaugeMetricFamily
_MODES = ("user", "system", "idle", "iowait")


class HostMetrics(Collector):
    """CPU time by mode, memory, and network traffic without the loopback."""

    def describe(self) -> Iterable[Family]:
        yield CounterMetricFamily(
            "pilothouse_host_cpu_seconds", "Processor time of the machine, in seconds.", labels=("mode",)
        )
        yield GaugeMetricFamily("pilothouse_host_memory_bytes", "Memory that the machine has.")
        yield GaugeMetricFamily("pilothouse_host_memory_available_bytes", "Memory that is free for programs.")
        yield CounterMetricFamily("pilothouse_host_network_received_bytes", "Bytes that the machine received.")
        yield CounterMetricFamily("pilothouse_host_network_sent_bytes", "Bytes that the machine sent.")

    def collect(self) -> Iterable[Family]:
        cpu, *others = self.describe()
        for mode, seconds in _cpu_seconds().items():
            cpu.add_metric((mode,), seconds)
        memory, network = psutil.virtual_memory(), _network_bytes()
        for family, value in zip(others, (memory.total, memory.available, *network), strict=True):
            family.add_metric((), value)
        return (cpu, *others)


def _cpu_seconds() -> dict[str, float]:
    """Seconds by mode; guests are left out, whose time is in `user` already."""
    times = psutil.cpu_times()._asdict()
    named = {mode: times.pop(mode, 0.0) for mode in _MODES}
    return named | {"other": sum(v for k, v in times.items() if not k.startswith("guest"))}


def _network_bytes() -> tuple[int, int]:
    cards = [c for name, c in psutil.net_io_counters(pernic=True).items() if name != "lo"]
    return sum(c.bytes_recv for c in cards), sum(c.bytes_sent for c in cards)
