"""Models served elsewhere are told to the collector, again when it was away, and not all the time."""

import pytest
from prometheus_client import CollectorRegistry

from pilothouse.manifest import Feature, Manifest, Output, TabularInput
from pilothouse.package import Package
from services.drift.announcer import AGAIN_SECONDS, Announcer
from services.drift.errors import CollectorAwayError
from services.drift.metrics import AnnouncerMetrics


def package(tmp_path, version="1", runtime="external"):
    spec = TabularInput(features=(Feature(name="area", type="number"),))
    manifest = Manifest(name="m", version=version, task="regression", runtime=runtime, input=spec, output=Output())
    return Package(manifest, tmp_path)


class World:
    """What lies in the models folder, a collector that may be away, and the time."""

    def __init__(self, packages):
        self.packages, self.told, self.away, self.now = packages, [], False, 0.0
        self.registry = CollectorRegistry()
        metrics = AnnouncerMetrics(self.registry)
        self.announcer = Announcer(lambda: self.packages, self.announce, metrics, lambda: self.now)

    async def announce(self, manifest):
        if self.away:
            raise CollectorAwayError("away")
        self.told.append(manifest.key)

    async def after(self, seconds):
        """What was told in that time."""
        self.told.clear()
        for _ in range(int(seconds)):
            await self.announcer.tick()
            self.now += 1
        return list(self.told)

    def gauge(self, version="1"):
        labels = {"model": "m", "version": version}
        return self.registry.get_sample_value("pilothouse_drift_announced", labels)


async def test_only_models_served_elsewhere_are_announced_oldest_version_first(tmp_path):
    world = World([package(tmp_path, "1"), package(tmp_path, "2", "onnx"), package(tmp_path, "10")])
    assert await world.after(1) == ["m/1", "m/10"]


async def test_it_is_said_again_once_a_minute(tmp_path):
    world = World([package(tmp_path)])
    assert len(await world.after(3 * AGAIN_SECONDS)) == 3


async def test_a_collector_that_is_away_is_tried_more_and_more_rarely_and_found_again(tmp_path):
    world = World([package(tmp_path)])
    world.away = True
    assert await world.after(10) == []
    assert world.gauge() == 0
    world.away = False
    assert await world.after(10) == ["m/1"]
    assert world.gauge() == 1


async def test_a_package_that_is_gone_has_no_gauge(tmp_path):
    world = World([package(tmp_path)])
    await world.after(1)
    world.packages = []
    await world.after(1)
    assert world.gauge() is None


@pytest.mark.parametrize("times", [1, 3])
async def test_after_an_hour_away_it_is_told_within_a_minute(tmp_path, times):
    world = World([package(tmp_path)])
    for _ in range(times):
        world.away = True
        await world.after(3600)
        world.away = False
        assert await world.after(AGAIN_SECONDS) != []
