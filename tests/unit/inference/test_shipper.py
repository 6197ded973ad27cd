import time

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from pilothouse.errors import RemoteError
from pilothouse.ids import uuid7_bytes
from pilothouse.manifest import Feature, Manifest, Output, TabularInput
from services.inference.metrics import SpoolMetrics
from services.inference.shipper import Shipper, record_time_seconds
from services.inference.spool.schemas import SchemaStore
from services.inference.spool.segments import SpoolWriter, encode_frame
from testkit.fakes import FakeCollector
from testkit.waiting import wait_for


def manifest(name="toy"):
    features = (Feature(name="a", type="number"),)
    return Manifest(
        name=name, version="1", task="regression", input=TabularInput(features=features), output=Output(target="y")
    )


class Spool:
    """A worker's spool with its shipper, on a real disk, and a fake collector at the other end."""

    def __init__(self, tmp_path):
        self.collector = FakeCollector()
        self.registry = CollectorRegistry()
        self.metrics = SpoolMetrics(self.registry)
        self.root = tmp_path / "spool" / "workers"
        self.schemas = SchemaStore(tmp_path / "spool" / "schemas")
        self.writer = SpoolWriter(self.root / "own", "process", 10_000_000, 2_000)
        self.shipper = Shipper(
            self.root, self.writer, self.schemas, self.collector, self.metrics,
            batch_records=10, backoff_seconds=0.02, adopt_seconds=0.05,
        )  # fmt: skip

    def append(self, count, name="toy", writer=None):
        schema = self.schemas.put(manifest(name))
        ids = [uuid7_bytes() for _ in range(count)]
        for record_id in ids:
            payload = msgspec.msgpack.encode((record_id, 1.5, None, "trace", 2.0, 3.0))
            (writer or self.writer).append(encode_frame(schema, payload))
        self.metrics.appended(count)
        return ids

    def run_until(self, done, seconds=5):
        self.shipper.start()
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline:
            time.sleep(0.005)
        self.shipper.stop(2)
        return done()

    def value(self, name, **labels):
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path)


def test_every_record_arrives_once_and_in_order(spool):
    ids = spool.append(95)
    assert spool.run_until(lambda: len(spool.collector.records) == 95)
    assert spool.collector.order == ids
    assert spool.collector.records[ids[0]] == {
        "id": ids[0], "latency_ms": 1.5, "source": None, "trace_id": "trace", "a": 2.0, "prediction": 3.0,
    }  # fmt: skip


def test_what_was_committed_is_gone_from_disk(spool):
    spool.append(30)
    spool.run_until(lambda: len(spool.collector.records) == 30)
    spool.writer.close()
    assert not (spool.root / "own").exists()


def test_an_outage_loses_nothing(spool):
    spool.collector.outages = 8
    ids = spool.append(40)
    assert spool.run_until(lambda: len(spool.collector.records) == 40)
    assert spool.collector.order == ids
    assert spool.value("pilothouse_spool_shipping_failures_total") >= 8


def test_any_exception_of_the_client_is_survived(spool):
    spool.collector.outages, spool.collector.error = 2, AttributeError("'NoneType' object has no attribute 'x'")
    spool.append(5)
    assert spool.run_until(lambda: len(spool.collector.records) == 5)


def test_a_batch_that_is_too_large_is_halved(spool):
    spool.collector.largest = 3
    ids = spool.append(20)
    assert spool.run_until(lambda: len(spool.collector.records) == 20)
    assert spool.collector.order == ids


def test_a_record_set_aside_by_the_collector_does_not_block_those_behind_it(spool):
    ids = spool.append(12)
    spool.collector.poison = {ids[4]}
    assert spool.run_until(lambda: len(spool.collector.records) == 11)
    assert spool.value("pilothouse_spool_records_total", outcome="dead_lettered") == 1


def test_records_of_a_refused_schema_are_kept_on_disk_and_the_others_go_on(spool):
    spool.collector.conflicts = {"old/1"}
    spool.append(3, "old")
    spool.append(4)
    assert spool.run_until(lambda: len(spool.collector.records) == 4)
    assert len(list((spool.root.parent / "refused").iterdir())) == 1
    assert spool.value("pilothouse_spool_dropped_total", reason="refused") == 3


def test_a_dead_workers_records_are_shipped_and_its_directory_removed(spool):
    dead = SpoolWriter(spool.root / "dead", "process", 10_000_000, 2_000)
    ids = spool.append(7, writer=dead)
    dead.close()
    assert spool.run_until(lambda: set(ids) <= set(spool.collector.records) and not (spool.root / "dead").exists())


def test_two_dead_workers_records_are_shipped_when_the_collector_comes(spool):
    ids = []
    for name in ("dead-1", "dead-2"):
        dead = SpoolWriter(spool.root / name, "process", 10_000_000, 2_000)
        ids += spool.append(7, writer=dead)
        dead.close()
    spool.collector.outages = 3
    assert spool.run_until(lambda: set(ids) <= set(spool.collector.records) and not any(spool.root.glob("dead-*")))


def test_damage_is_kept_and_counted_and_costs_one_record(spool):
    spool.append(5)
    damage(spool)
    assert spool.run_until(lambda: len(spool.collector.records) == 4)
    assert len(list((spool.root.parent / "quarantine").iterdir())) == 1
    assert spool.value("pilothouse_spool_quarantined_bytes_total") > 0


def damage(spool):
    spool.writer.seal()
    (segment,) = (spool.root / "own").glob("*.seg")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)


def test_damage_read_again_and_again_in_an_outage_is_kept_and_counted_once(spool):
    spool.append(5)
    damage(spool)
    spool.collector.outages = 12
    assert spool.run_until(lambda: len(spool.collector.records) == 4)
    (kept,) = (spool.root.parent / "quarantine").iterdir()
    assert spool.value("pilothouse_spool_quarantined_bytes_total") == kept.stat().st_size


def test_the_age_of_the_oldest_record_is_that_of_the_record_and_nought_when_all_is_shipped(spool):
    spool.append(1)
    assert spool.value("pilothouse_spool_oldest_seconds") >= 0
    assert spool.run_until(lambda: spool.metrics._waiting_since is None)
    assert spool.value("pilothouse_spool_oldest_seconds") == 0


def test_the_time_of_a_record_is_its_ids():
    payload = msgspec.msgpack.encode((uuid7_bytes(1_700_000_000_123), *range(40)))
    assert record_time_seconds(payload) == 1_700_000_000.123


def test_stopping_ships_what_is_left(spool):
    spool.append(50)
    spool.shipper.start()
    spool.shipper.stop(3)
    assert len(spool.collector.records) == 50


def test_stopping_gives_up_in_time_and_keeps_the_records_on_disk(spool):
    spool.collector.outages = 10**6
    spool.append(5)
    spool.shipper.start()
    begun = time.monotonic()
    spool.shipper.stop(0.3)
    assert time.monotonic() - begun < 1
    assert list((spool.root / "own").glob("*.seg"))


def test_which_version_answers_is_told_after_an_outage_too_and_again_when_it_changes(spool):
    spool.collector.outages = 3
    spool.shipper.announce(manifest())
    spool.shipper.tell({"toy": {"1": "active", "2": "loaded"}})
    spool.shipper.start()
    wait_for(lambda: spool.collector.states == {"toy": {"1": "active", "2": "loaded"}})
    spool.shipper.tell({"toy": {"1": "loaded", "2": "active"}})
    wait_for(lambda: spool.collector.states == {"toy": {"1": "loaded", "2": "active"}})
    spool.shipper.stop(2)


def test_a_collector_that_knows_no_states_takes_records_all_the_same(spool):
    def refuse(model, states):
        raise RemoteError("/v1/models/toy", 405, "Method Not Allowed")

    spool.collector.tell_states = refuse
    spool.shipper.tell({"toy": {"1": "active"}})
    spool.append(5)
    assert spool.run_until(lambda: len(spool.collector.records) == 5)


def test_a_collector_that_lost_its_database_is_told_again(spool):
    now = [0.0]
    spool.shipper = Shipper(
        spool.root, spool.writer, spool.schemas, spool.collector, spool.metrics, clock=lambda: now[0]
    )
    spool.shipper.tell({"toy": {"1": "active"}})
    spool.shipper.start()
    wait_for(lambda: spool.collector.states)
    spool.collector.states = {}
    now[0] = 61.0
    wait_for(lambda: spool.collector.states == {"toy": {"1": "active"}})
    spool.shipper.stop(2)
