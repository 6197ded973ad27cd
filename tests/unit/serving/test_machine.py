"""What a service sees of its machine, against psutil, statvfs and made-up control groups."""

import os

import psutil
import pytest
from prometheus_client import CollectorRegistry

from pilothouse.serving.host import HostMetrics
from pilothouse.serving.machine import ContainerMemory, StateDisk


def sampled(collector):
    registry = CollectorRegistry()
    registry.register(collector)
    return registry.get_sample_value


def version_2(root, limit):
    (root / "memory.max").write_text(limit)
    (root / "memory.current").write_text("900\n")
    (root / "memory.stat").write_text("anon 500\ninactive_file 300\nactive_file 100\n")


def test_memory_of_a_container_is_without_the_cache_that_the_kernel_gives_up(tmp_path):
    version_2(tmp_path, "1000\n")
    value = sampled(ContainerMemory(tmp_path))
    assert (value("pilothouse_memory_limit_bytes"), value("pilothouse_memory_used_bytes")) == (1000, 600)


def test_control_groups_of_version_1_are_read_too(tmp_path):
    folder = tmp_path / "memory"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text("1000\n")
    (folder / "memory.usage_in_bytes").write_text("900\n")
    (folder / "memory.stat").write_text("total_inactive_file 100\n")
    value = sampled(ContainerMemory(tmp_path))
    assert (value("pilothouse_memory_limit_bytes"), value("pilothouse_memory_used_bytes")) == (1000, 800)


@pytest.mark.parametrize("limit", ["max\n", str(2**63 - 4096)])
def test_where_there_is_no_limit_there_is_no_series(tmp_path, limit):
    version_2(tmp_path, limit)
    assert sampled(ContainerMemory(tmp_path))("pilothouse_memory_limit_bytes") is None
    assert sampled(ContainerMemory(tmp_path / "nowhere"))("pilothouse_memory_limit_bytes") is None


def test_the_disk_is_the_one_that_the_state_folder_is_on(tmp_path):
    value = sampled(StateDisk(tmp_path))
    disk = os.statvfs(tmp_path)
    assert value("pilothouse_state_disk_bytes") == disk.f_blocks * disk.f_frsize
    assert value("pilothouse_state_disk_available_bytes") <= value("pilothouse_state_disk_bytes")
    assert sampled(StateDisk(tmp_path / "not-made-yet"))("pilothouse_state_disk_bytes") is None


def test_the_host_is_what_psutil_says_at_the_moment_of_the_scrape():
    value = sampled(HostMetrics())
    idle = psutil.cpu_times().idle
    assert value("pilothouse_host_cpu_seconds_total", {"mode": "idle"}) == pytest.approx(idle, abs=60)
    assert value("pilothouse_host_memory_bytes") == psutil.virtual_memory().total
    cards = [c for name, c in psutil.net_io_counters(pernic=True).items() if name != "lo"]
    assert value("pilothouse_host_network_sent_bytes_total") >= 0.5 * sum(c.bytes_sent for c in cards)


def test_the_modes_add_up_to_the_time_that_has_gone_by():
    registry = CollectorRegistry()
    registry.register(HostMetrics())
    (cpu,) = [f for f in registry.collect() if f.name == "pilothouse_host_cpu_seconds"]
    times = psutil.cpu_times()._asdict()
    whole = sum(v for k, v in times.items() if not k.startswith("guest"))
    assert sum(s.value for s in cpu.samples) == pytest.approx(whole, rel=0.01, abs=60)
